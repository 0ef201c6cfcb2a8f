# Every dependency in one place; what is missing is named all at once, with the packages (Debian's
# names) that bring it.
find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
  message(FATAL_ERROR "snas needs pkg-config to find its libraries: apt-get install pkg-config")
endif()
set(SNAS_MISSING "")

macro(snas_missing what package)
  list(APPEND SNAS_MISSING ${package})
  message(NOTICE "snas needs ${what}: apt-get install ${package}")
endmacro()

macro(snas_require name module package)
  pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  if(NOT ${name}_FOUND)
    snas_missing(${module} ${package})
  endif()
endmacro()

snas_require(YAML yaml-0.1 libyaml-dev)
snas_require(JANSSON jansson libjansson-dev)
snas_require(ZLIB zlib zlib1g-dev)
snas_require(OPENBLAS openblas libopenblas-dev)
snas_require(PROTOBUFC libprotobuf-c libprotobuf-c-dev)
if(SNAS_TESTS)
  snas_require(CMOCKA cmocka libcmocka-dev) # or -DSNAS_TESTS=OFF
endif()
find_program(SNAS_PROTOC_C protoc-c DOC "protobuf-c's compiler")
if(NOT SNAS_PROTOC_C)
  snas_missing(protoc-c protobuf-c-compiler)
endif()
find_path(SNAS_ONNX_PROTO_DIR onnx/onnx.proto DOC "directory that holds onnx/onnx.proto")
if(NOT SNAS_ONNX_PROTO_DIR)
  snas_missing("onnx/onnx.proto (the schema only)" libonnx-dev)
endif()
find_package(Threads REQUIRED)
if(SNAS_MISSING)
  list(JOIN SNAS_MISSING " " packages)
  message(FATAL_ERROR "missing for the build; all of it at once:  apt-get install ${packages}")
endif()

# Optional: OpenCV DNN, a second runtime that checks exported models. Debian's libopencv-dnn-dev has
# no CMake package of its own, so header and libraries are looked up; C++ is enabled only for it.
find_path(SNAS_OPENCV_INCLUDE opencv2/dnn.hpp PATH_SUFFIXES opencv4)
find_library(SNAS_OPENCV_DNN opencv_dnn)
find_library(SNAS_OPENCV_CORE opencv_core)
set(SNAS_HAVE_OPENCV OFF)
if(SNAS_OPENCV_INCLUDE AND SNAS_OPENCV_DNN AND SNAS_OPENCV_CORE)
  include(CheckLanguage)
  check_language(CXX)
  if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
    set(CMAKE_CXX_STANDARD 14)
    set(CMAKE_CXX_FLAGS_RELEASE "-O2")
    set(SNAS_HAVE_OPENCV ON)
  endif()
endif()
if(NOT SNAS_HAVE_OPENCV)
  message(STATUS "OpenCV DNN is not here (apt-get install libopencv-dnn-dev g++): exports are not checked with it")
endif()

# Optional: ONNX Runtime's C header (tools/runtimes/install, or Debian 13's libonnxruntime-dev). The
# library itself is loaded at run time.
set(SNAS_RUNTIMES_DIR ${CMAKE_SOURCE_DIR}/build/runtimes CACHE PATH "what tools/runtimes/install made")
unset(SNAS_ORT_INCLUDE CACHE) # it may have been installed since
find_path(SNAS_ORT_INCLUDE onnxruntime_c_api.h
  HINTS ${SNAS_RUNTIMES_DIR}/include PATH_SUFFIXES onnxruntime onnxruntime/core/session)
if(NOT SNAS_ORT_INCLUDE)
  message(STATUS "ONNX Runtime's C header is not here (tools/runtimes/install): exports are not checked with it")
endif()
