# find_package(baton) for programs outside the tree: the public headers, the libraries, the exported targets.
include(CMakePackageConfigHelpers)
foreach(folder llm llm/gguf llm/tokenizer llm/sampler llm/kv_cache llm/model llm/engine tools memory agent)
  file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.h")
  install(FILES ${headers} DESTINATION include/baton/${folder})
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/agent/api/config.h" DESTINATION include/baton/agent/api)
install(EXPORT baton FILE batonTargets.cmake NAMESPACE baton:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/baton)
configure_package_config_file(${PROJECT_SOURCE_DIR}/.cmake/batonConfig.cmake.in ${PROJECT_BINARY_DIR}/batonConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/baton)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/batonConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/batonConfig.cmake ${PROJECT_BINARY_DIR}/batonConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/.cmake/BatonDependencies.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/baton)
