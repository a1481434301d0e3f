# baton_library(NAME FOLDER [SOURCES files...] [ONLY headers...] [DEPENDS targets...] [PRIVATE targets...])
#
# One library for one folder of the house. Headers are included as <baton/FOLDER/file.h>, found in build/include/NAME, which holds links
# to the headers of the folder itself (its sub-folders are libraries of their own). A target sees its own headers and those of the
# libraries it links, and nothing else: a wrong #include does not compile, so "who may include whom" (docs/architecture.md) is kept by
# the build.
#
# SOURCES: instead of all *.cpp of the folder.  ONLY: just these headers and no sources (a seam that others may see alone).
# DEPENDS: libraries whose headers ours include.  PRIVATE: libraries that only our sources use.
function(baton_library name folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;ONLY;DEPENDS;PRIVATE" ${ARGN})
  set(from "${PROJECT_SOURCE_DIR}/${folder}")
  set(root "${PROJECT_BINARY_DIR}/include/${name}")
  if(ARG_ONLY)
    list(TRANSFORM ARG_ONLY PREPEND "${from}/" OUTPUT_VARIABLE headers)
  else()
    file(GLOB headers CONFIGURE_DEPENDS "${from}/*.h")
    if(NOT ARG_SOURCES)
      file(GLOB ARG_SOURCES CONFIGURE_DEPENDS "${from}/*.cpp")
    endif()
  endif()
  file(REMOVE_RECURSE "${root}")
  file(MAKE_DIRECTORY "${root}/baton/${folder}")
  foreach(header IN LISTS headers)
    cmake_path(GET header FILENAME file)
    file(CREATE_LINK "${header}" "${root}/baton/${folder}/${file}" SYMBOLIC)
  endforeach()
  if(ARG_SOURCES)
    add_library(baton_${name} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_compile_options(baton_${name} PRIVATE ${BATON_WARNINGS})
    if(BATON_FUZZ AND NOT folder STREQUAL "kernels")  # coverage, which guides the fuzzers; kernels' loops would only be slow
      target_compile_options(baton_${name} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
    target_link_libraries(baton_${name} PRIVATE ${ARG_PRIVATE})
  else()
    add_library(baton_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(baton_${name} ${scope} $<BUILD_INTERFACE:${root}> $<INSTALL_INTERFACE:include>)
  target_link_libraries(baton_${name} ${scope} ${ARG_DEPENDS})
  target_compile_features(baton_${name} ${scope} cxx_std_20)
  set_target_properties(baton_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS baton_${name} EXPORT baton ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# baton_embed(TARGET NAMESPACE file...): each file becomes a `std::string_view NAMESPACE::name()`, the name being the file's with every
# other character than letters and digits turned into `_`. Include <embedded_NAMESPACE.h> (private to TARGET).
function(baton_embed target namespace)
  set(dir "${CMAKE_CURRENT_BINARY_DIR}/embedded_${target}")
  set(outputs "${dir}/embedded_${namespace}.h" "${dir}/embedded_${namespace}.cpp")
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DNAMESPACE=${namespace} "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/.cmake/embed.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/.cmake/embed.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${outputs})
  target_include_directories(${target} PRIVATE ${dir})
endfunction()
