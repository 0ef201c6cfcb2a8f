# One library per room. A room's headers are reached as "room/name.h" and only by the rooms that
# link it: each room exports a staging directory that holds nothing but a link to itself, so an
# include against the arrows does not build. TYPED sources are compiled twice, for float and for
# double (layers/real.h).
function(snas_room room)
  cmake_parse_arguments(ARG "" "" "SOURCES;TYPED;USES;LIBRARIES" ${ARGN})
  set(stage ${CMAKE_BINARY_DIR}/rooms/${room})
  file(MAKE_DIRECTORY ${stage})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${stage}/${room} SYMBOLIC)
  if(ARG_TYPED)
    foreach(bits 32 64)
      add_library(snas_${room}_f${bits} OBJECT ${ARG_TYPED})
      target_compile_definitions(snas_${room}_f${bits} PRIVATE SNAS_REAL_BITS=${bits})
      target_include_directories(snas_${room}_f${bits} PRIVATE ${stage})
      foreach(used ${ARG_USES})
        target_link_libraries(snas_${room}_f${bits} PRIVATE snas_${used})
      endforeach()
      list(APPEND ARG_SOURCES $<TARGET_OBJECTS:snas_${room}_f${bits}>)
    endforeach()
  endif()
  if(ARG_SOURCES)
    add_library(snas_${room} STATIC ${ARG_SOURCES})
    set_target_properties(snas_${room} PROPERTIES LINKER_LANGUAGE C)
    set(scope PUBLIC)
    target_include_directories(snas_${room} PUBLIC ${stage})
    target_link_libraries(snas_${room} PRIVATE ${ARG_LIBRARIES})
  else()
    add_library(snas_${room} INTERFACE)
    set(scope INTERFACE)
    target_include_directories(snas_${room} INTERFACE ${stage})
    target_link_libraries(snas_${room} INTERFACE ${ARG_LIBRARIES})
  endif()
  foreach(used ${ARG_USES})
    target_link_libraries(snas_${room} ${scope} snas_${used})
  endforeach()
endfunction()

# A test program of a room: tests/unit/<room>/test_<name>.c, linked with that room (and USES).
# Label: unit. tools/check leaves those that are labelled slow as well out of its sanitizer run,
# and lets only those labelled needs-shared skip (where SNAS_SHARED is not there).
function(snas_unit_test room name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "USES;LIBRARIES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(test_${room}_${name} test_${name}.c)
  target_include_directories(test_${room}_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit) # support.h
  target_link_libraries(test_${room}_${name} PRIVATE snas_${room} PkgConfig::CMOCKA m ${ARG_LIBRARIES})
  foreach(used ${ARG_USES})
    target_link_libraries(test_${room}_${name} PRIVATE snas_${used})
  endforeach()
  set_target_properties(test_${room}_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME unit.${room}.${name} COMMAND test_${room}_${name})
  # 77 is the one exit code that counts as a skip; tools/check counts them.
  set_tests_properties(unit.${room}.${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77 LABELS unit
    ENVIRONMENT "SNAS_DATA_DIR=${CMAKE_SOURCE_DIR};SNAS_SHARED=${CMAKE_SOURCE_DIR}/../shared")
endfunction()
