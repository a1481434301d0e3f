# find_package(baton) for programs outside the tree: the public headers, the libraries, the exported targets.
include(CMakePackageConfigHelpers)

# The headers that such programs may include. Each compiles alone and includes only others of this list, the standard library, nlohmann and
# Boost's System and Describe; tests/install checks that.
set(BATON_PUBLIC_HEADERS
  agent/agent.h
  agent/api/config.h
  agent/cli/serve.h
  agent/daemon.h
  agent/error.h
  agent/model_settings.h
  agent/generator/generator.h
  llm/chat/types.h
  llm/engine/engine.h
  llm/error.h
  llm/gguf/gguf.h
  llm/gguf/tensor_type.h
  llm/json_schema/json_schema.h
  llm/json_schema/schema_node.h
  llm/kv_cache/page_pool.h
  llm/model/backend.h
  llm/model/cpu_backend.h
  llm/model/hparams.h
  llm/model/model.h
  llm/model/rope_config.h
  llm/sampler/sampler.h
  llm/sampler/sampling_params.h
  llm/tokenizer/tokenizer.h
  memory/error.h
  memory/journal.h
  tools/api/api_tools.h
  tools/builtin/builtin.h
  tools/error.h
  tools/http/address_policy.h
  tools/http/http_client.h
  tools/process/process.h
  tools/registry.h
  tools/schema.h
  tools/tool.h
  tools/web/http_request.h
  tools/worker_pool.h)
foreach(header IN LISTS BATON_PUBLIC_HEADERS)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES "${PROJECT_SOURCE_DIR}/${header}" DESTINATION include/baton/${folder})
endforeach()

# baton::baton is all that the public headers declare.
add_library(baton_all INTERFACE)
target_link_libraries(baton_all INTERFACE baton_agent_cli baton_tools_builtin baton_tools_process baton_tools_web baton_tools_api)
set_target_properties(baton_all PROPERTIES EXPORT_NAME baton)
add_library(baton::baton ALIAS baton_all)
install(TARGETS baton_all EXPORT baton)

install(EXPORT baton FILE batonTargets.cmake NAMESPACE baton:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/baton)
configure_package_config_file(${PROJECT_SOURCE_DIR}/.cmake/batonConfig.cmake.in ${PROJECT_BINARY_DIR}/batonConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/baton)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/batonConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/batonConfig.cmake ${PROJECT_BINARY_DIR}/batonConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/.cmake/BatonDependencies.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/baton)
