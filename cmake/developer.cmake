# For our own builds only: nothing here reaches a program that uses attune.

if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(ATTUNE_CCACHE ccache)
    mark_as_advanced(ATTUNE_CCACHE)
    if(ATTUNE_CCACHE)
        set(CMAKE_CXX_COMPILER_LAUNCHER "${ATTUNE_CCACHE}")
    endif()
endif()

add_library(attune_dev INTERFACE)
target_compile_options(attune_dev INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wimplicit-fallthrough
    -Werror
    # Warns of std::string's operator+ itself: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)

# The compiled library is ours to build only when attune is the project.
if(PROJECT_IS_TOP_LEVEL)
    target_link_libraries(attune_compiled PRIVATE $<BUILD_INTERFACE:attune_dev>)
    if(TARGET attune_net_compiled)
        target_link_libraries(attune_net_compiled PRIVATE $<BUILD_INTERFACE:attune_dev>)
        # Warns of Asio and Beast where sanitizers keep the optimiser from seeing through them.
        target_compile_options(attune_net_compiled PRIVATE
            $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    endif()
endif()
