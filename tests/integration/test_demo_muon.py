"""Our Muon takes the same steps as torch's, to the precision that torch's works in."""

import pytest
import torch
from torch import nn

from training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(24, 24), (40, 16), (16, 40)])
def test_it_walks_as_torchs_does(shape: tuple[int, int]) -> None:
    g = torch.Generator().manual_seed(1)
    start = torch.randn(shape, generator=g)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Muon([ours], lr=0.01, weight_decay=0.01)
    other = torch.optim.Muon([theirs], lr=0.01, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for _ in range(10):
        ours.grad = torch.randn(shape, generator=g)
        theirs.grad = ours.grad.clone()
        mine.step()
        other.step()
    walked = (ours - start).norm()
    assert walked > 0.01
    assert (ours - theirs).norm() < 0.05 * walked


def test_every_matrix_is_made_orthogonal_by_itself() -> None:
    g = torch.Generator().manual_seed(1)
    some = torch.randn(3, 20, 12, generator=g) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]
    assert torch.allclose(orthogonal(some)[2:], orthogonal(some[2:]), atol=1e-5)
    size = torch.linalg.svdvals(orthogonal(some))
    assert 0.5 < float(size.min()) < float(size.max()) < 1.5
