# attune::attune, the headers; attune::compiled, the same with every .ipp compiled once; and what
# some headers need besides: attune::net for <attune/net.hpp>, or attune::net_compiled on top of
# attune::compiled, and attune::sqlite for <attune/transport/sqlite.hpp>. attune::quorum_compiled is
# <attune/quorum.hpp>, compiled once.

find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
# For attune::net alone: nothing else of attune needs it.
find_package(Boost 1.81 CONFIG QUIET COMPONENTS url)
# For attune::sqlite alone.
find_package(SQLite3 3.31 QUIET)

add_library(attune INTERFACE)
add_library(attune::attune ALIAS attune)
target_compile_features(attune INTERFACE cxx_std_20)
target_include_directories(attune INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:include>)
target_link_libraries(attune INTERFACE
    Threads::Threads nlohmann_json::nlohmann_json OpenSSL::Crypto)
foreach(switch IN ITEMS ATTUNE_CHAOS ATTUNE_LOCKED_CELLS ATTUNE_NO_INOTIFY ATTUNE_NO_MEMBARRIER)
    if(${switch})
        target_compile_definitions(attune INTERFACE ${switch})
    endif()
endforeach()

file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/attune.cpp" CONTENT "#include <attune/src.hpp>\n")
add_library(attune_compiled STATIC "${PROJECT_BINARY_DIR}/attune.cpp")
add_library(attune::compiled ALIAS attune_compiled)
target_link_libraries(attune_compiled PUBLIC attune)
target_compile_definitions(attune_compiled PUBLIC ATTUNE_SEPARATE_COMPILATION)
set_target_properties(attune_compiled PROPERTIES
    EXPORT_NAME compiled
    OUTPUT_NAME attune
    POSITION_INDEPENDENT_CODE ON
    CXX_EXTENSIONS OFF)
if(NOT ATTUNE_INSTALL)
    # A program that uses the headers should not have to wait for the library.
    set_target_properties(attune_compiled PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

# There without Boost as well, but then it cannot be linked.
add_library(attune_net INTERFACE)
add_library(attune::net ALIAS attune_net)
target_link_libraries(attune_net INTERFACE attune Boost::headers Boost::url OpenSSL::SSL)
set_target_properties(attune_net PROPERTIES EXPORT_NAME net)

if(Boost_FOUND)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/attune_net.cpp"
        CONTENT "#include <attune/net_src.hpp>\n")
    add_library(attune_net_compiled STATIC "${PROJECT_BINARY_DIR}/attune_net.cpp")
    add_library(attune::net_compiled ALIAS attune_net_compiled)
    target_link_libraries(attune_net_compiled PUBLIC attune_compiled attune_net)
    set_target_properties(attune_net_compiled PROPERTIES
        EXPORT_NAME net_compiled
        OUTPUT_NAME attune_net
        POSITION_INDEPENDENT_CODE ON
        CXX_EXTENSIONS OFF)
    if(NOT ATTUNE_INSTALL)
        set_target_properties(attune_net_compiled PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endif()

# Consensus and locks; on top of attune::compiled alone.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/attune_quorum.cpp"
    CONTENT "#include <attune/quorum_src.hpp>\n")
add_library(attune_quorum_compiled STATIC "${PROJECT_BINARY_DIR}/attune_quorum.cpp")
add_library(attune::quorum_compiled ALIAS attune_quorum_compiled)
target_link_libraries(attune_quorum_compiled PUBLIC attune_compiled)
set_target_properties(attune_quorum_compiled PROPERTIES
    EXPORT_NAME quorum_compiled
    OUTPUT_NAME attune_quorum
    POSITION_INDEPENDENT_CODE ON
    CXX_EXTENSIONS OFF)
if(NOT ATTUNE_INSTALL)
    set_target_properties(attune_quorum_compiled PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

# Likewise without SQLite.
add_library(attune_sqlite INTERFACE)
add_library(attune::sqlite ALIAS attune_sqlite)
target_link_libraries(attune_sqlite INTERFACE attune SQLite::SQLite3)
set_target_properties(attune_sqlite PROPERTIES EXPORT_NAME sqlite)
