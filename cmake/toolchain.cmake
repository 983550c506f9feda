# Warnings, hardening, sanitizers and reproducibility: the same for every target.

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
else()
  add_compile_options(-Wno-restrict)  # false on string concatenation when optimised: https://gcc.gnu.org/PR105651
endif()

# With sanitizers too: continuous integration runs the suite under them alone.
add_compile_definitions(_GLIBCXX_ASSERTIONS)

# The same sources give the same binary wherever they are built. __DATE__ is used nowhere; SOURCE_DATE_EPOCH covers the
# archives' and the image's times.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -ffile-prefix-map=${PROJECT_BINARY_DIR}/=build/)

if(ACR_SANITIZERS)
  add_compile_options(-fsanitize=${ACR_SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ACR_SANITIZERS})
  if(ACR_SANITIZERS MATCHES undefined)
    # This check looks at memory through a pipe, and is wrong where a test has used up all descriptors.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  if(ACR_SANITIZERS MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A quarter of the time that a build takes, for what AddressSanitizer stops at anyway (null), what says nothing unoptimised
    # (object-size), and what the fuzzers' build, which is clang's and has all checks, looks at too (alignment).
    add_compile_options(-fno-sanitize=null,alignment,object-size)
  endif()
  if(ACR_SANITIZERS MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio uses atomic_thread_fence, which g++ warns about at every use
  endif()
  if(ACR_SANITIZERS MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-fno-sanitize=function)  # false reports on Asio's handlers
  endif()
else()
  # FORTIFY needs an optimised build; it is part of every one that is.
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
  add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
