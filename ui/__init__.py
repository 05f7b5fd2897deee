"""The page and the API. Nothing here may speak to the outside, so the switches are set before Gradio is imported."""

import os

from askamu.privacy import no_telemetry

no_telemetry()
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # compared with exactly "True"
os.environ["GRADIO_RUN_HISTORY"] = "False"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
