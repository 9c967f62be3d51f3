# transports/common: sources, tests and data of this folder.
