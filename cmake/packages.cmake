# Every library that we do not own, found once. All are Debian 12 packages (tools/install-packages lists them).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(CapnProto REQUIRED) # for capnp_generate_cpp; linked by name below so that static programs get the archives
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(CAP REQUIRED IMPORTED_TARGET libcap)
pkg_check_modules(SELINUX REQUIRED IMPORTED_TARGET libselinux)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(toml11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)

# Linked by name: -static-pie then picks the .a, everything else the .so.
add_library(bulkhead-capnp INTERFACE)
target_link_libraries(bulkhead-capnp INTERFACE -lcapnp -lkj)
add_library(bulkhead-capnp-rpc INTERFACE)
target_link_libraries(bulkhead-capnp-rpc INTERFACE -lcapnp-rpc -lkj-async bulkhead-capnp Threads::Threads)
