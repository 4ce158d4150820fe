"""Parameters and forward FLOPs of fixed-aspect-ratio transformers (Appendix H, Tables 9-13).

Two views of the same models. `forward_flops` and `shape` take any real N, so that an optimiser can
move through sizes that nobody builds; `Architecture` is a model that exists, with whole layers,
and counts every term.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scalinglib.checks import not_negative, positive, whole

N_CTX = 4096  # sequence length (Appendix I)
N_VOCAB = 32768  # fixed by N_total - N in Table 13
ASPECT_RATIO = 128  # d_model / n_layers (Appendix I)
FFN_RATIO = 8 / 3  # d_ffn / d_model (Appendix I)
D_HEAD = 128
OMEGA = 2 + 2 + 3 * FFN_RATIO  # parameters of a layer over d_model^2, Equation 60 with g_size = 1

# Dense bf16 peaks that the makers state, TFLOP/s.
GPU_TERAFLOPS = {
    "H200": 989.0,
    "H100": 989.0,
    "A100": 312.0,
    "B200": 2250.0,
    "MI300X": 1307.0,
    "V100": 125.0,
    "TPUv4": 275.0,
    "TPUv5p": 459.0,
}


def shape(params: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Depth and width, as real numbers, of the fixed-aspect-ratio model of N parameters.

    `params` are non-embedding, positive and finite; n_layers and d_model (Equation 64) have their
    shape.
    """
    params = positive("params", params)
    n_layers = (params / (ASPECT_RATIO**2 * OMEGA)) ** (1 / 3)
    return n_layers, ASPECT_RATIO * n_layers


def total_params(params: np.ndarray) -> np.ndarray:
    """Parameters with the (tied) embedding, N_total, of the model `shape` gives `params`.

    The paper's M counts these: its runs "on 20 tokens a parameter" have 20 N_total.
    """
    return positive("params", params) + N_VOCAB * shape(params)[1]


def forward_flops(
    params: ArrayLike, n_ctx: ArrayLike = N_CTX, n_vocab: ArrayLike = N_VOCAB
) -> np.ndarray:
    """FLOPs of one forward pass per token, F(N) (Equations 59 and 69).

    F(N) = 2 N + 2 n_layers n_ctx d_model + 2 n_vocab d_model, with depth and width from `shape`;
    the attention term counts half the matrix (causal). The backward pass costs twice as much
    (Equation 70), so training costs 3 F(N) per token.

    - n_ctx, n_vocab: sequence length and vocabulary size; 0 leaves the term out. All broadcast.
    """
    n_layers, d_model = shape(params)
    params = positive("params", params)
    not_negative("n_ctx", n_ctx)
    not_negative("n_vocab", n_vocab)
    return 2 * params + 2 * n_layers * n_ctx * d_model + 2 * n_vocab * d_model


@dataclass(frozen=True)
class Architecture:
    """A decoder-only transformer of the paper's family, counted exactly (Tables 9, 11 and 13).

    - d_ffn: feed-forward width; None takes 8/3 d_model rounded up to a multiple of `ffn_multiple`.
    - n_ctx, n_vocab: sequence length and vocabulary size.
    - aspect_ratio, d_head, ffn_multiple: width over depth, width of a head, and what the
      feed-forward width is a multiple of; all 128 in the paper.
    """

    n_layers: int
    d_ffn: int | None = None
    n_ctx: int = N_CTX
    n_vocab: int = N_VOCAB
    aspect_ratio: int = ASPECT_RATIO
    d_head: int = D_HEAD
    ffn_multiple: int = D_HEAD

    def __post_init__(self) -> None:
        if self.d_ffn is None:
            # Whole-number ceiling: 8/3 as a float would round some exact multiples up.
            multiple = self.ffn_multiple
            object.__setattr__(self, "d_ffn", -(-8 * self.d_model // (3 * multiple)) * multiple)
        for name in ("n_layers", "d_ffn", "n_ctx", "n_vocab", "aspect_ratio", "d_head"):
            whole(name, getattr(self, name), 1)

    @property
    def d_model(self) -> int:
        """Width."""
        return self.aspect_ratio * self.n_layers

    def parameter_terms(self) -> dict[str, int]:
        """Parameters by component, whole model, as a dict (Table 9)."""
        d = self.d_model
        return {
            "embedding": self.n_vocab * d,
            "attention QKV": 3 * self.n_layers * d**2,
            "attention projection": self.n_layers * d**2,
            "feed-forward": 3 * self.n_layers * d * self.d_ffn,
            # Two pre-norms a layer, gains for queries and keys, and the output norm.
            "norm gains": self.n_layers * (2 * d + 2 * self.d_head) + d,
        }

    @property
    def params(self) -> int:
        """Non-embedding parameters N."""
        return sum(n for name, n in self.parameter_terms().items() if name != "embedding")

    @property
    def total_params(self) -> int:
        """Parameters with the (tied) embedding, N_total."""
        return sum(self.parameter_terms().values())

    def flop_terms(self, n_heads: float | None = None) -> dict[str, float]:
        """Forward FLOPs per token by component, whole model, as a dict (Tables 11 and 12, ours).

        Norms have no entry there. `n_heads` is the heads that softmax counts; None takes
        d_model / d_head. No single number gives Table 13's total column (notebook 03).
        """
        d, layers, n_ctx = self.d_model, self.n_layers, self.n_ctx
        heads = d / self.d_head if n_heads is None else n_heads
        return {
            "embedding": 2 * d,
            "QKV": 6 * layers * d**2,
            "attention logits": layers * n_ctx * d,
            "softmax": 2.5 * heads * layers * n_ctx,
            "attention values": layers * n_ctx * d,
            "attention projection": 2 * layers * d**2,
            "feed-forward": 6 * layers * d * self.d_ffn,
            "final logits": 2 * self.n_vocab * d,
        }

    @property
    def forward_flops(self) -> float:
        """Forward FLOPs per token with every term that Tables 11 and 12 have."""
        return sum(self.flop_terms().values())

    @property
    def approximate_forward_flops(self) -> float:
        """2 N + 2 n_layers n_ctx d_model + 2 n_vocab d_model (Equation 59, Table 13)."""
        attention = 2 * self.n_layers * self.n_ctx * self.d_model
        return 2 * self.params + attention + 2 * self.n_vocab * self.d_model
