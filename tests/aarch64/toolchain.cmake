# SPDX-License-Identifier: MIT
#
# AArch64 from another machine: Debian's cross compiler with its C library, the other libraries as
# root.sh unpacks them to build/aarch64-root, and qemu to run what was built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/emulate)

cmake_path(NORMAL_PATH CMAKE_CURRENT_LIST_DIR OUTPUT_VARIABLE root)
cmake_path(GET root PARENT_PATH root)
cmake_path(GET root PARENT_PATH root)
string(APPEND root /build/aarch64-root)
set(CMAKE_FIND_ROOT_PATH ${root})
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${root})
set(ENV{PKG_CONFIG_LIBDIR} ${root}/usr/lib/aarch64-linux-gnu/pkgconfig:${root}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_ALLOW_SYSTEM_CFLAGS} 1) # -I of the root is not that of this machine
set(ENV{PKG_CONFIG_ALLOW_SYSTEM_LIBS} 1)
