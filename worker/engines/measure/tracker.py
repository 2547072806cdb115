"""Counts what a call on the meta device would hold, compute and move on a GPU.

Storages are followed from birth to death, so `peak_bytes` is what `torch.cuda.max_memory_allocated`
would show for weights, inputs and activations. It knows nothing of the CUDA context, of
fragmentation or of quantised kernels, and never allocates.

    tracked(module, inputs, lambda: module(**inputs), workspace=1.0).peak_bytes
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from reelyard.errors import InvalidInput, Problem
from worker.engines.measure.flash import attention_flops, flash_op
from worker.engines.measure.stand_in import StandIns

ALLOCATION = 512
"""Bytes. The CUDA caching allocator rounds every block up to a multiple of this."""

CUDNN_COPIES = 1.0
"""Workspace of a 3-D convolution in half precision, as a share of its input and output."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one call. `held_bytes`: weights; `peak_bytes`: with inputs and activations;
    `traffic_bytes`: read and written by what is neither a matrix product, a convolution nor
    attention; `all_traffic_bytes`: by everything."""

    held_bytes: int
    peak_bytes: int
    gemm_flops: int
    attention_flops: int
    traffic_bytes: int
    all_traffic_bytes: int
    operations: int

    @property
    def flops(self) -> int:
        """Matrix products, convolutions and attention."""
        return self.gemm_flops + self.attention_flops


@dataclass(frozen=True, slots=True)
class _Operation:
    flops: int
    moved: int
    attention: bool


class Tracker(TorchDispatchMode):
    """`conv3d_workspace`: times input plus output, held while a 3-D convolution runs. cuDNN works
    in channels-last, so half precision takes a copy of both (1.0) and fp32 none (0.0)."""

    def __init__(self, conv3d_workspace: float = 0.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._workspace = conv3d_workspace
        self._live: dict[int, weakref.ref[Any]] = {}
        self._now = self._peak = self._held = 0
        self._operations: list[_Operation] = []
        self._stand_ins = StandIns()
        self._flash = flash_op()

    def __enter__(self) -> Self:
        self._stand_ins.__enter__()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, wrong, trace)  # type: ignore[no-untyped-call]
        self._stand_ins.__exit__(kind, wrong, trace)

    def hold(self, module: nn.Module, inputs: Any) -> None:
        """Count what exists before the call: weights, and any nest of tensors."""
        for tensor in [*module.parameters(), *module.buffers()]:
            self._follow(tensor)
        self._held = self._now
        for leaf in tree_leaves(inputs):
            if isinstance(leaf, Tensor):
                self._follow(leaf)
        self._mark()

    def tally(self) -> Tally:
        """What was counted since `hold`."""
        done = self._operations
        return Tally(
            held_bytes=self._held,
            peak_bytes=self._peak,
            gemm_flops=sum(one.flops for one in done if not one.attention),
            attention_flops=sum(one.flops for one in done if one.attention),
            traffic_bytes=sum(one.moved for one in done if not one.flops),
            all_traffic_bytes=sum(one.moved for one in done),
            operations=len(done),
        )

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func.namespace == "prim":
            return out
        made = [t for t in tree_leaves(out) if isinstance(t, Tensor)]
        is_new = [self._follow(tensor) for tensor in made]
        if func._overloadpacket is torch.ops.aten.convolution and args[0].dim() == 5:
            self._mark(int(self._workspace * (_bytes(args[0]) + _bytes(out))))
        self._mark()
        if not func.is_view:
            moves = any(is_new) or func._schema.is_mutable
            self._record(func, args, kwargs, out, made if moves else [])
        return out

    def _record(self, func: Any, args: Any, kwargs: Any, out: Any, made: list[Tensor]) -> None:
        packet = func._overloadpacket
        flops = 0
        if packet is self._flash:
            flops = attention_flops(args[0], args[1], args[2], args[4])
        elif packet in flop_registry:
            flops = flop_registry[packet](*args, **kwargs, out_val=out)
        moved = 0
        if made:
            taken = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
            moved = sum(map(_bytes, [*taken, *made]))
        if flops or moved:
            self._operations.append(_Operation(flops, moved, packet is self._flash))

    def _follow(self, tensor: Tensor) -> bool:
        """Count a storage once, until Python and C++ have both let go of it. True if it is new."""
        storage = tensor.untyped_storage()
        key = id(storage)
        if key in self._live:
            return False
        size = -(-storage.nbytes() // ALLOCATION) * ALLOCATION
        self._live[key] = weakref.ref(storage, self._when_gone(key, size))
        self._now += size
        return True

    def _when_gone(self, key: int, size: int) -> Callable[[Any], None]:
        def gone(_: Any) -> None:
            if self._live.pop(key, None) is not None:
                self._now -= size

        return gone

    def _mark(self, extra: int = 0) -> None:
        self._peak = max(self._peak, self._now + extra)


def tracked(module: nn.Module, inputs: Any, call: Callable[[], Any], workspace: float) -> Tally:
    """What one call of the module counts. Raises InvalidInput where meta cannot follow it."""
    try:
        with torch.no_grad(), Tracker(workspace) as tracker:
            tracker.hold(module, inputs)
            call()
    except (RuntimeError, TypeError, ValueError, NotImplementedError, AttributeError) as wrong:
        raise _cannot_run(module, wrong) from wrong
    return tracker.tally()


def _cannot_run(module: nn.Module, wrong: Exception) -> InvalidInput:
    first = str(wrong).strip().splitlines()[0] if str(wrong).strip() else type(wrong).__name__
    return InvalidInput(
        [
            Problem(
                field="class",
                message=f"cannot be run on the meta device: {first}",
                value=type(module).__name__,
                remedy="See worker/engines/measure/inputs.py and stand_in.py for what it is given.",
            )
        ]
    )


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
