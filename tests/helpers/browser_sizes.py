"""Screen sizes that pages are looked at in, as Chromium's setDeviceMetricsOverride takes them."""

PHONE = {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
