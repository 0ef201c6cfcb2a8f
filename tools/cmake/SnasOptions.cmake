# Flags that every target shares, and the switches of the presets.
option(SNAS_TESTS "build the tests" ON)
option(SNAS_WERROR "warnings are errors" ON)
option(SNAS_FUZZ "build the libFuzzer targets (clang; the fuzz preset)" OFF)
set(SNAS_SANITIZE "" CACHE STRING "sanitizers, comma-separated: address,undefined | thread")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # gnu11: vector extensions and POSIX
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O3 -g1 -fno-math-errno")

add_compile_options(-Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wvla
                    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(SNAS_WERROR)
  add_compile_options(-Werror)
endif()
if(SNAS_SANITIZE)
  add_compile_options(-fsanitize=${SNAS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SNAS_SANITIZE})
endif()
if(SNAS_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_compile_definitions(_GNU_SOURCE SNAS_VERSION="${PROJECT_VERSION}")
