# Imports a prebuilt libtorch from FINETAG_LIBTORCH as the target `finetag_libtorch`.
#
# Not find_package(Torch): that of a CUDA libtorch demands a whole local CUDA toolkit, though the headers without
# CUDA's and the shared libraries are all that is needed to link.

set(FINETAG_LIBTORCH "" CACHE PATH "Folder with libtorch's include/ and lib/")
if(NOT EXISTS "${FINETAG_LIBTORCH}/include/ATen/core/Tensor.h")
  message(FATAL_ERROR "FINETAG_LIBTORCH is \"${FINETAG_LIBTORCH}\", where no libtorch is; run `npm run bootstrap`")
endif()

add_library(finetag_libtorch INTERFACE)
target_include_directories(finetag_libtorch SYSTEM INTERFACE
  "${FINETAG_LIBTORCH}/include" "${FINETAG_LIBTORCH}/include/torch/csrc/api/include")

set(libraries torch torch_cpu c10)
if(EXISTS "${FINETAG_LIBTORCH}/lib/libtorch_cuda${CMAKE_SHARED_LIBRARY_SUFFIX}")
  list(APPEND libraries torch_cuda c10_cuda)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  # Nothing refers to libtorch_cuda by symbol: it registers itself when loaded.
  target_link_options(finetag_libtorch INTERFACE "-Wl,--no-as-needed")
endif()
foreach(library ${libraries})
  target_link_libraries(finetag_libtorch INTERFACE
    "${FINETAG_LIBTORCH}/lib/${CMAKE_SHARED_LIBRARY_PREFIX}${library}${CMAKE_SHARED_LIBRARY_SUFFIX}")
endforeach()

# at::parallel_for is a header template that runs on one thread unless compiled with OpenMP. At run time the
# libgomp beside libtorch comes first in the rpath, so one OpenMP runtime serves both.
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" AND NOT APPLE)
  target_compile_options(finetag_libtorch INTERFACE -fopenmp)
  target_link_options(finetag_libtorch INTERFACE -fopenmp)
endif()

# NVIDIA's libraries are not named here: libtorch's own search path has their folders, as wheels lie beside it.
set(CMAKE_BUILD_RPATH "${FINETAG_LIBTORCH}/lib")
set(CMAKE_BUILD_RPATH_USE_ORIGIN OFF)
