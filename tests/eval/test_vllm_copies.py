"""Which GPUs each copy of a model gets; the copies themselves are in tests/slow."""

import pytest

from eval.engines.placement import Placement
from eval.engines.vllm_copies import gpus_of_copies


@pytest.mark.parametrize(
    ("tensor", "data", "visible", "gpus"),
    [
        (1, 3, None, ["0", "1", "2"]),
        (2, 2, None, ["0,1", "2,3"]),
        (2, 2, "4,5,6,7", ["4,5", "6,7"]),
        (1, 2, "GPU-a,GPU-b", ["GPU-a", "GPU-b"]),
    ],
)
def test_every_copy_has_gpus_of_its_own(tensor, data, visible, gpus):
    assert gpus_of_copies(Placement(tensor_parallel=tensor, data_parallel=data), visible) == gpus
