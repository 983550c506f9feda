# acr-admission.spdx.json beside the program: its Debian packages, versions and licences (scripts/sbom.py).
find_program(ACR_PYTHON python3 HINTS /usr/bin)
if(NOT ACR_PYTHON)
  message(STATUS "No Python 3: no bill of materials is written")
  return()
endif()

set(sbom ${PROJECT_BINARY_DIR}/acr-admission.spdx.json)
list(TRANSFORM ACR_COMPILED_IN PREPEND --header= OUTPUT_VARIABLE headers)
add_custom_command(OUTPUT ${sbom}
  COMMAND ${ACR_PYTHON} ${PROJECT_SOURCE_DIR}/scripts/sbom.py --version=${PROJECT_VERSION} ${headers} --output=${sbom} $<TARGET_FILE:acr-admission>
  DEPENDS acr-admission ${PROJECT_SOURCE_DIR}/scripts/sbom.py
  VERBATIM)
add_custom_target(sbom ALL DEPENDS ${sbom})
