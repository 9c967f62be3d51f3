# plugins/template-service: sources, tests and data of this folder.
