# SPDX-License-Identifier: BSD-3-Clause
# The Python package. It is installed where --enable-python asks for it.
python_sources = \
	%D%/coterie/__init__.py %D%/coterie/_connection.py %D%/coterie/_native.py %D%/coterie/_structs.py \
	%D%/coterie/cfg.py %D%/coterie/cmap.py %D%/coterie/cpg.py %D%/coterie/errors.py %D%/coterie/kv.py \
	%D%/coterie/quorum.py %D%/coterie/types.py %D%/coterie/votequorum.py %D%/coterie/py.typed
python_aio_sources = \
	%D%/coterie/aio/__init__.py %D%/coterie/aio/_connection.py %D%/coterie/aio/_groups.py %D%/coterie/aio/_maps.py
EXTRA_DIST += $(python_sources) $(python_aio_sources)
if WITH_PYTHON
pycoteriedir = $(pythondir)/coterie
pycoterieaiodir = $(pycoteriedir)/aio
nodist_pycoterie_DATA = $(python_sources)
nodist_pycoterieaio_DATA = $(python_aio_sources)
endif
