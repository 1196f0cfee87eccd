"""The simulator of LINE and Gemini; simulator.py tells how to use it."""

from simulator.simulator import Simulator

__all__ = ["Simulator"]
