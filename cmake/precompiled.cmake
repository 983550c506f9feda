# Nlohmann's and the standard library's headers take most of a room's compile time. Under sanitizers, which continuous integration builds
# from nothing, they are read once for all rooms. Elsewhere a source stands by its own includes, and a compiler cache works.
if(NOT ACR_SANITIZERS)
  return()
endif()

add_library(room_precompiled STATIC ${CMAKE_CURRENT_LIST_DIR}/precompiled.cc)
target_link_libraries(room_precompiled PRIVATE nlohmann_json::nlohmann_json tl::expected Threads::Threads)
target_precompile_headers(room_precompiled PRIVATE
  <nlohmann/json.hpp> <tl/expected.hpp>
  <algorithm> <chrono> <condition_variable> <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <span> <sstream> <string>
  <string_view> <unordered_map> <variant> <vector>)
foreach(directory ${ACR_ROOMS} tests/support)
  get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR}/${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL STATIC_LIBRARY)
      target_precompile_headers(${target} REUSE_FROM room_precompiled)
    endif()
  endforeach()
endforeach()
