"""PyTorch peers: the three networks as a loop over time steps, written as a good user would.

Each network comes in two ways: ``fold="step"`` forms the effective W = f(parameters) in every time
step, as the papers' published loops do; ``fold="update"`` forms it once an update. Beside them
``torch.nn.RNN``, and ``torch.func.vmap`` over a stacked ensemble. All get their batch for nothing.
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


class Native(torch.nn.Module):
    """``torch.nn.RNN``, whose loop over time is C++; standard networks only."""

    def __init__(self, layers: int, n_in: int, n: int, n_out: int):
        super().__init__()
        self.kind, self.layers = "rnn", []  # nothing to correct or project
        self.rnn = torch.nn.RNN(n_in, n, layers, nonlinearity="relu")
        self.readout = torch.nn.Linear(n, n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run over x [t, b, n_in]; returns [b, n_out]."""
        return self.readout(self.rnn(x)[0][-1])


class Stacked:
    """An ensemble of networks as one, by ``torch.func.vmap``; W is formed once an update.

    The batches are x [s, t, b, n_in], y [s, b].
    """

    def __init__(self, make, seeds: int):
        networks = [make() for _ in range(seeds)]
        self.params, self.buffers = torch.func.stack_module_state(networks)
        one = networks[0].to("meta")

        def loss(params, buffers, x, y):
            outputs = torch.func.functional_call(one, (params, buffers), (x,))
            return torch.nn.functional.cross_entropy(outputs, y)

        self.kind = networks[0].kind
        self.gradient = torch.func.vmap(torch.func.grad(loss))

    def update(self, x, y, learning_rate: float, clip: float) -> None:
        """One update of all networks, by the rules of :func:`update`."""
        gradient = self.gradient(self.params, self.buffers, x, y)
        with torch.no_grad():
            for name, g in gradient.items():
                if self.kind == "dann" and name.endswith("_ie"):
                    g.div_(math.sqrt(self.params[name[:-3] + "_ee"].shape[-2]))
                if self.kind == "dann" and name.endswith("_ei"):
                    g.div_(self.params[name[:-3] + "_ee"].shape[-1])
                if self.kind == "colei":
                    norm = g.flatten(1).norm(dim=1)
                    g.mul_((clip / norm).clamp(max=1).reshape(-1, *[1] * (g.ndim - 1)))
            names = list(gradient)
            parameters = [self.params[name] for name in names]
            torch._foreach_add_(parameters, [gradient[n] for n in names], alpha=-learning_rate)
            if self.kind != "rnn":
                for name, parameter in zip(names, parameters, strict=True):
                    if name.startswith("layers.") and not name.endswith(".b"):
                        parameter.clamp_(min=0)
