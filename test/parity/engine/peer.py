"""The peer: transformers' models and PyTorch's AdamW, run padded with an attention mask.

Shape letters: B texts, T tokens of all texts together, S tokens of the longest text, L labels.
"""

from dataclasses import dataclass

import torch
from transformers import Trainer, get_scheduler


@dataclass(frozen=True)
class Packed:
    """A batch as finetag takes it: texts end to end, no padding."""

    ids_T: torch.Tensor
    types_T: torch.Tensor
    cu_seqlens: torch.Tensor  # [B + 1]
    labels_BL: torch.Tensor
    mask_BL: torch.Tensor | None = None  # 1 where a label counts

    @property
    def rows(self):
        return len(self.cu_seqlens) - 1

    def select(self, rows):
        """The batch that holds only these rows, in this order."""
        spans = [slice(int(self.cu_seqlens[r]), int(self.cu_seqlens[r + 1])) for r in rows]
        lengths = torch.tensor([0] + [s.stop - s.start for s in spans])
        return Packed(
            torch.cat([self.ids_T[s] for s in spans]),
            torch.cat([self.types_T[s] for s in spans]),
            lengths.cumsum(0),
            self.labels_BL[rows],
            None if self.mask_BL is None else self.mask_BL[rows],
        )


@dataclass(frozen=True)
class Variant:
    """One way of running the very same mathematics; float32 results differ by rounding only."""

    name: str
    dtype: torch.dtype = torch.float32
    attention: str = "sdpa"
    pad_to: int = 0  # at least this many columns
    reverse: bool = False  # rows of a batch in reverse order
    fused: bool = True  # AdamW's fused CPU kernel, the Trainer's default


REFERENCE = Variant("float64", torch.float64, fused=False)
FLOAT32 = Variant("float32")


def float32_variants(max_tokens):
    """float32 runs whose spread about float64 is `peer_error`; the first one is stored."""
    return [
        FLOAT32,
        Variant("eager, unfused AdamW", attention="eager", fused=False),
        Variant("padded to the maximum", pad_to=max_tokens),
        Variant("eager, rows reversed", attention="eager", reverse=True),
        Variant("padded, rows reversed, unfused", pad_to=max_tokens, reverse=True, fused=False),
    ]


@dataclass(frozen=True)
class TrainingOptions:
    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    schedule: str = "linear"
    warmup_steps: int = 4
    total_steps: int = 20


def pad(packed, pad_id, pad_to):
    """-> ids_BS, types_BS, mask_BS."""
    lengths = packed.cu_seqlens.diff()
    columns = max(int(lengths.max()), pad_to)
    ids_BS = torch.full((packed.rows, columns), pad_id)
    types_BS = torch.zeros(packed.rows, columns, dtype=torch.long)
    for row, length in enumerate(lengths.tolist()):
        start = int(packed.cu_seqlens[row])
        ids_BS[row, :length] = packed.ids_T[start : start + length]
        types_BS[row, :length] = packed.types_T[start : start + length]
    return ids_BS, types_BS, (torch.arange(columns) < lengths[:, None]).long()


class Peer:
    """One model in one variant."""

    def __init__(self, model_class, config, state, variant):
        config = replace_attention(config, variant.attention)
        self.variant = variant
        self.model = model_class._from_config(config)
        self.model.load_state_dict(state)
        self.model.to(variant.dtype).train()  # every dropout is 0

    def names(self):
        return [name for name, _ in self.model.named_parameters()]

    def forward(self, packed):
        """-> (loss, logits_BL); the loss keeps its graph."""
        order = list(range(packed.rows))
        if self.variant.reverse:
            order.reverse()
        batch = packed.select(order)
        ids_BS, types_BS, mask_BS = pad(batch, self.model.config.pad_token_id, self.variant.pad_to)
        labels_BL = batch.labels_BL.to(self.variant.dtype)
        types = {"token_type_ids": types_BS} if hasattr(self.model.config, "type_vocab_size") else {}
        output = self.model(input_ids=ids_BS, attention_mask=mask_BS, labels=labels_BL, **types)
        loss = output.loss
        if batch.mask_BL is not None:  # transformers has no label mask: a mean over the terms that count
            mask_BL = batch.mask_BL.to(self.variant.dtype)
            terms_BL = torch.nn.functional.binary_cross_entropy_with_logits(output.logits, labels_BL, reduction="none")
            loss = (terms_BL * mask_BL).sum() / mask_BL.sum()
        logits_BL = output.logits.detach()
        return loss, logits_BL[order] if self.variant.reverse else logits_BL

    def gradients(self, packed):
        """-> (loss, logits_BL, {name: gradient})."""
        self.model.zero_grad(set_to_none=True)
        loss, logits_BL = self.forward(packed)
        loss.backward()
        gradients = {name: p.grad.clone() for name, p in self.model.named_parameters()}
        return loss.item(), logits_BL, gradients

    def decaying(self):
        """The parameters that Trainer decays."""
        return set(Trainer.get_decay_parameter_names(None, self.model))

    def train(self, batches, options):
        """Takes len(batches) steps. -> {losses, grad_norms, learning_rates, weight, exp_avg, exp_avg_sq}."""
        decaying = self.decaying()
        parameters = dict(self.model.named_parameters())
        optimizer = torch.optim.AdamW(
            [
                {"params": [p for n, p in parameters.items() if n in decaying], "weight_decay": options.weight_decay},
                {"params": [p for n, p in parameters.items() if n not in decaying], "weight_decay": 0.0},
            ],
            lr=options.learning_rate,
            betas=(options.beta1, options.beta2),
            eps=options.epsilon,
            fused=self.variant.fused,
        )
        name = "constant_with_warmup" if options.schedule == "constant" else options.schedule
        scheduler = get_scheduler(name, optimizer, options.warmup_steps, options.total_steps)
        run = {"losses": [], "grad_norms": [], "learning_rates": []}
        for packed in batches:
            optimizer.zero_grad()
            loss, _ = self.forward(packed)
            loss.backward()
            limit = options.max_grad_norm if options.max_grad_norm > 0 else float("inf")
            norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit)
            run["losses"].append(loss.item())
            run["grad_norms"].append(norm.item())
            run["learning_rates"].append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        run["weight"] = {n: p.detach().clone() for n, p in parameters.items()}
        run["exp_avg"] = {n: optimizer.state[p]["exp_avg"] for n, p in parameters.items()}
        run["exp_avg_sq"] = {n: optimizer.state[p]["exp_avg_sq"] for n, p in parameters.items()}
        return run


def replace_attention(config, attention):
    copy = type(config).from_dict(config.to_dict())
    copy._attn_implementation = attention
    return copy


def schedule_rates(options, count):
    """The rate of each of the first `count` steps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=options.learning_rate)
    name = "constant_with_warmup" if options.schedule == "constant" else options.schedule
    scheduler = get_scheduler(name, optimizer, options.warmup_steps, options.total_steps)
    rates = []
    for _ in range(count):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates
