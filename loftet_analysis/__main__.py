"""`python -m loftet_analysis` is `loftet`."""

import sys

from loftet_analysis.batch.cli import main

sys.exit(main())
