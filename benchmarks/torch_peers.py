"""PyTorch peers: the three networks as a loop over time steps, written as a good user would.

Each network comes in two ways: ``fold="step"`` forms the effective W = f(parameters) in every time
step, as the papers' published loops do; ``fold="update"`` forms it once an update.
"""

from __future__ import annotations

import math

import torch


def _exponential(*shape: int, mean: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.empty(shape).exponential_(1 / mean))


class Layer(torch.nn.Module):
    """A recurrent layer of one kind: rnn, colei or dann."""

    def __init__(self, kind: str, n_in: int, n: int, n_i: int):
        super().__init__()
        self.kind = kind
        self.b = torch.nn.Parameter(torch.zeros(n))
        bound = 1 / math.sqrt(n)
        if kind == "rnn":
            self.U = torch.nn.Parameter(torch.empty(n, n_in).uniform_(-bound, bound))
            self.W = torch.nn.Parameter(torch.empty(n, n).uniform_(-bound, bound))
        elif kind == "colei":
            # Stored as magnitudes with fixed column signs, folded by a product, as the authors do.
            self.U = _exponential(n, n_in, mean=0.1 / math.sqrt(n_in))
            self.W = _exponential(n, n, mean=0.1 / math.sqrt(n))
            signs = torch.ones(n)
            signs[n - n_i :] = -1
            self.register_buffer("signs", signs)
        else:
            mean = 1 / math.sqrt(3 * (n - 1))
            for name, pre in (("U", n_in), ("W", n)):
                setattr(self, f"{name}_ee", _exponential(n, pre, mean=mean))
                setattr(self, f"{name}_ie", _exponential(n_i, pre, mean=mean))
                setattr(self, f"{name}_ei", torch.nn.Parameter(torch.full((n, n_i), 1 / n_i)))

    def weights(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Effective U and W."""
        if self.kind == "rnn":
            return self.U, self.W
        if self.kind == "colei":
            return self.U, self.W * self.signs
        return self.U_ee - self.U_ei @ self.U_ie, self.W_ee - self.W_ei @ self.W_ie


class Network(torch.nn.Module):
    """Layers and a dense read-out of the last step."""

    def __init__(self, kind: str, layers: int, n_in: int, n: int, n_i: int, n_out: int, fold: str):
        super().__init__()
        self.kind, self.fold, self.n = kind, fold, n
        self.layers = torch.nn.ModuleList(
            Layer(kind, n_in if i == 0 else n, n, n_i) for i in range(layers)
        )
        self.readout = torch.nn.Linear(n, n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run over x [t, b, n_in]; returns [b, n_out]."""
        states = [torch.zeros(x.shape[1], self.n) for _ in self.layers]
        folded = [layer.weights() for layer in self.layers] if self.fold == "update" else None
        for x_t in x:
            h = x_t
            for i, layer in enumerate(self.layers):
                U, W = folded[i] if folded else layer.weights()
                h = torch.relu(h @ U.T + states[i] @ W.T + layer.b)
                states[i] = h
        return self.readout(h)


def update(network: Network, x, y, learning_rate: float, clip: float) -> None:
    """One update: gradient, corrections, clipping, step, projection."""
    network.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(network(x), y).backward()
    with torch.no_grad():
        for layer in network.layers:
            if network.kind == "dann":
                for name in ("U", "W"):
                    n, pre = getattr(layer, f"{name}_ee").shape
                    getattr(layer, f"{name}_ie").grad.div_(math.sqrt(n))
                    getattr(layer, f"{name}_ei").grad.div_(pre)
        if network.kind == "colei":
            for parameter in network.parameters():
                torch.nn.utils.clip_grad_norm_(parameter, clip)
        parameters = list(network.parameters())
        torch._foreach_add_(parameters, [p.grad for p in parameters], alpha=-learning_rate)
        if network.kind != "rnn":
            for layer in network.layers:
                for name, parameter in layer.named_parameters():
                    if name != "b":
                        parameter.clamp_(min=0)
