"""The page and the API. Nothing here may speak to the outside, so the switches are set before Gradio is imported."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # compared with exactly "True"
os.environ["GRADIO_RUN_HISTORY"] = "False"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
