"""Random views of photos, vectorised over the batch: crop, turn, light, blur, noise, erasing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

COVERING = 0.8  # side of a thing that surely hides the mushroom whose place it takes
PLAIN_SHARE = 0.25  # of the transplants go onto paper, cloth or black, as in field guides
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma


def random_view(pixels: Tensor, aspect: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Draw one random view of each photo.

    Args:
        pixels: `(N, S, S, 3)` uint8, each photo squashed to a square.
        aspect: `(N,)` width divided by height before squashing.
        size: Side of the views in pixels.
        generator: Source of all randomness.

    Returns:
        `(N, 3, size, size)` in [0, 1].
    """
    view = pixels.permute(0, 3, 1, 2).float().div_(255.0)
    view = _crop(view, aspect, size, generator)
    view = _light(view, generator)
    view = _blur_some(view, generator)
    noise = 0.03 * _uniform(view.shape[0], generator).view(-1, 1, 1, 1)
    view = view + noise * torch.randn(view.shape, generator=generator)
    return _erase_some(view, generator).clamp_(0.0, 1.0)


def mix(views: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, float]:
    """Mixup (Zhang et al., 2018): views blended with a shuffle of themselves.

    Returns the blend, the shuffle and the share of the unshuffled views.
    """
    order = torch.randperm(views.shape[0], generator=generator)
    share = 0.5 + 0.5 * float(torch.rand(1, generator=generator))
    return share * views + (1.0 - share) * views[order], order, share


def transplant(views: Tensor, empty: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Exchange the surroundings of some views; what they show stays true.

    Mushrooms of one photographer stand in one photographer's woods, and an encoder learns the
    wood. So mushrooms move into photos without one, and the things of those photos onto ground
    where mushrooms grow. A box of CutMix (Yun et al., 2019) that keeps the whole label takes the
    shortcut away.

    Args:
        views: `(N, 3, size, size)`.
        empty: `(N,)` mask of the views without a mushroom.
        share: Of the views to move, from 0 to 1.
        generator: Source of all randomness.
    """
    n, _, size, _ = views.shape
    if not empty.any() or empty.all():
        return views
    least = torch.where(empty, COVERING, 0.55)
    box = _boxes(least * size, least.clamp(min=0.85) * size, size, generator)
    chosen = (_uniform(n, generator) < share).view(n, 1, 1, 1)
    ground = torch.where(
        empty.view(n, 1, 1, 1), _drawn(views, ~empty, generator), _drawn(views, empty, generator)
    )
    plain = (_uniform(n, generator) < PLAIN_SHARE).view(n, 1, 1, 1)
    shade = _uniform(n, generator).view(n, 1, 1, 1) + _normal(3 * n, generator, 0.05).view(
        n, 3, 1, 1
    )
    ground = torch.where(plain, shade.clamp(0.0, 1.0), ground)
    return torch.where(box | ~chosen, views, ground)


def _drawn(views: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """As many views as there are, drawn from those of the mask."""
    rows = torch.nonzero(mask).flatten()
    return views[rows[torch.randint(len(rows), (len(views),), generator=generator)]]


def _uniform(n: int, generator: torch.Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _normal(n: int, generator: torch.Generator, scale: float) -> Tensor:
    return scale * torch.randn(n, generator=generator)


def _crop(view: Tensor, aspect: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Random resized crop with rotation and flip, boxes in the photo's true proportions."""
    n = view.shape[0]
    area = _uniform(n, generator, 0.3, 1.0) * aspect
    ratio = torch.exp(_normal(n, generator, 0.15))
    width = torch.minimum(torch.sqrt(area * ratio), aspect)
    height = torch.sqrt(area / ratio).clamp(max=1.0)
    angle = _normal(n, generator, 0.15)
    flip = torch.where(_uniform(n, generator) < 0.5, -1.0, 1.0)
    centre_x = _uniform(n, generator, -1.0, 1.0) * (1.0 - width / aspect)
    centre_y = _uniform(n, generator, -1.0, 1.0) * (1.0 - height)
    cos, sin = torch.cos(angle), torch.sin(angle)
    top = torch.stack([flip * width * cos / aspect, -height * sin / aspect, centre_x], 1)
    bottom = torch.stack([flip * width * sin, height * cos, centre_y], 1)
    grid = functional.affine_grid(
        torch.stack([top, bottom], 1), [n, 3, size, size], align_corners=False
    )
    return functional.grid_sample(view, grid, padding_mode="reflection", align_corners=False)


def _light(view: Tensor, generator: torch.Generator) -> Tensor:
    """Exposure, white balance, contrast and saturation of another camera."""
    n = view.shape[0]
    exposure = torch.exp(_normal(n, generator, 0.25)).view(n, 1, 1, 1)
    balance = torch.exp(_normal(3 * n, generator, 0.18)).view(n, 3, 1, 1)
    view = view * exposure * balance
    mean = view.mean((1, 2, 3), keepdim=True)
    contrast = torch.exp(_normal(n, generator, 0.25)).view(n, 1, 1, 1)
    view = mean + (view - mean) * contrast
    grey = (view * torch.tensor(GREY).view(1, 3, 1, 1)).sum(1, keepdim=True)
    saturation = _uniform(n, generator, 0.2, 1.5).view(n, 1, 1, 1)
    return grey + (view - grey) * saturation


def _blur_some(view: Tensor, generator: torch.Generator) -> Tensor:
    """A quarter of the views lose half their resolution."""
    chosen = _uniform(view.shape[0], generator) < 0.25
    if chosen.any():
        small = functional.avg_pool2d(view[chosen], 2)
        view[chosen] = functional.interpolate(
            small, size=view.shape[-2:], mode="bilinear", align_corners=False
        )
    return view


def _erase_some(view: Tensor, generator: torch.Generator) -> Tensor:
    """A quarter of the views lose a box to their mean colour (Zhong et al., 2020)."""
    n, _, size, _ = view.shape
    chosen = (_uniform(n, generator) < 0.25).view(n, 1, 1, 1)
    box = _boxes(torch.full((n,), 0.15 * size), torch.full((n,), 0.45 * size), size, generator)
    return torch.where(box & chosen, view.mean((2, 3), keepdim=True), view)


def _boxes(least: Tensor, most: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """`(N, 1, size, size)` masks of squares with sides between `least` and `most` pixels."""
    side = least + (most - least) * _uniform(len(least), generator)
    left = _uniform(len(least), generator) * (size - side)
    top = _uniform(len(least), generator) * (size - side)
    place = torch.arange(size).view(1, size)
    across = (place >= left[:, None]) & (place < (left + side)[:, None])
    down = (place >= top[:, None]) & (place < (top + side)[:, None])
    return (down[:, :, None] & across[:, None, :]).unsqueeze(1)
