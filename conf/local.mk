# What operators and packagers get: the unit, example configs, the SDK's pkg-config file.
pkgconfig_DATA += %D%/coterie-plugin.pc
CLEANFILES += %D%/coterie-plugin.pc
EXTRA_DIST += %D%/coterie-plugin.pc.in
