# Debian bookworm packages, nothing vendored, nothing downloaded. Heavy headers are SYSTEM by being imported targets.

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(simdjson REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)

# Of packages that are headers alone, and so compiled in: one header each. The bill of materials names their packages.
set(ACR_COMPILED_IN "")
foreach(header boost/version.hpp nlohmann/json.hpp CLI/CLI.hpp tl/expected.hpp)
  string(MAKE_C_IDENTIFIER ACR_HEADER_${header} variable)
  find_file(${variable} ${header} REQUIRED)
  list(APPEND ACR_COMPILED_IN ${${variable}})
endforeach()

# Asio and Beast for every room that uses them, their definitions compiled once. A room that took the headers alone would define the same
# functions a second time: the linker keeps either, and an error code made by one is not equal to the other's.
add_library(boost_asio STATIC ${CMAKE_CURRENT_LIST_DIR}/boost_asio.cc)
target_compile_definitions(boost_asio PUBLIC
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(boost_asio PUBLIC Boost::headers Threads::Threads)
