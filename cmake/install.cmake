include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(attune_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/attune")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/attune"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
install(TARGETS attune attune_compiled attune_quorum_compiled EXPORT attune_targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT attune_targets
    NAMESPACE attune::
    FILE attune-targets.cmake
    DESTINATION "${attune_package_dir}")
# Files of their own, which the package reads when it is asked for the component.
foreach(component IN ITEMS net sqlite)
    install(TARGETS attune_${component} EXPORT attune_${component}_targets)
    if(TARGET attune_${component}_compiled)
        install(TARGETS attune_${component}_compiled EXPORT attune_${component}_targets
            ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
    endif()
    install(EXPORT attune_${component}_targets
        NAMESPACE attune::
        FILE attune-${component}-targets.cmake
        DESTINATION "${attune_package_dir}")
endforeach()

configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/attune-config.cmake.in"
    "${PROJECT_BINARY_DIR}/attune-config.cmake"
    INSTALL_DESTINATION "${attune_package_dir}"
    NO_SET_AND_CHECK_MACRO)
# Before 1.0 every minor version may break.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/attune-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/attune-config.cmake"
    "${PROJECT_BINARY_DIR}/attune-config-version.cmake"
    DESTINATION "${attune_package_dir}")

set(attune_pc_definitions "")
foreach(switch IN ITEMS ATTUNE_CHAOS ATTUNE_LOCKED_CELLS ATTUNE_NO_INOTIFY ATTUNE_NO_MEMBARRIER)
    if(${switch})
        string(APPEND attune_pc_definitions " -D${switch}")
    endif()
endforeach()
configure_file("${PROJECT_SOURCE_DIR}/cmake/attune.pc.in" "${PROJECT_BINARY_DIR}/attune.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/attune.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/attune")
