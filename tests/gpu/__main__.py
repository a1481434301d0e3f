"""scripts/gpu.sh."""
import sys

from tests.gpu import command

sys.exit(command.main())
