# transports/udpu: sources, tests and data of this folder.
