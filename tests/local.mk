# What all tests share.
dist_check_DATA += %D%/tap.sh %D%/suite.h
