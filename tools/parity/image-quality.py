"""Writes what OpenCV, scikit-image and NumPy measure of the pictures in packages/rewards/src/fixtures.

    pip install opencv-python-headless scikit-image pillow
    python tools/parity/image-quality.py > packages/rewards/src/fixtures/image-quality.json
"""

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage.color import rgb2hsv

FIXTURES = Path(__file__).parents[2] / "packages/rewards/src/fixtures"


def colourfulness(rgb: np.ndarray) -> float:
    """M3 of Hasler and Suesstrunk (2003), equation 2 and 3."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    red_green = red - green
    yellow_blue = (red + green) / 2 - blue
    deviation = np.hypot(red_green.std(), yellow_blue.std())
    return float(deviation + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def measure(file: Path) -> dict[str, float]:
    rgb = np.asarray(Image.open(file).convert("RGB"))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return {
        "sharpness": float(cv2.Laplacian(grey, cv2.CV_64F).var()),
        "colourfulness": colourfulness(rgb),
        "saturation": float(rgb2hsv(rgb)[..., 1].mean()),
        "clipped": float(((rgb == 0) | (rgb == 255)).mean()),
    }


print(json.dumps({file.name: measure(file) for file in sorted(FIXTURES.glob("*.png"))}, indent=2))
