# SPDX-License-Identifier: BSD-3-Clause
# The example is installed as documentation, and built and tested by tests/abi/cpp_plugin.sh.
examplecppdir = $(docdir)/example-cpp
dist_examplecpp_DATA = %D%/README.md %D%/Makefile %D%/motto.cpp %D%/motto.hpp \
	%D%/mottoctl.cpp %D%/test_motto.cpp
dist_check_SCRIPTS += tests/abi/cpp_plugin.sh
TESTS += tests/abi/cpp_plugin.sh
