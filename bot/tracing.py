"""Traces, for who wants them: on where ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set and ``shanglou[tracing]`` is installed;
else nothing of OpenTelemetry is imported, and a span costs less than a microsecond.

No personal data: names are this program's own words, addresses are never told, and no exception's message.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

import structlog

log = structlog.get_logger()

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_OFF: AbstractContextManager[None] = nullcontext()
_tracer: Any = None
_inject: Any = None


def set_up_tracing(program: str) -> bool:
    """
    Args:
        program: api, bot, courier or up.

    Returns:
        Whether spans are sent from now on.
    """
    global _tracer, _inject
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return False
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError:
        log.warning("tracing_not_installed", extra="shanglou[tracing]")
        return False
    about = Resource.create({"service.name": f"shanglou-{program}", "service.version": version("shanglou")})
    provider = TracerProvider(resource=about)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _tracer = provider.get_tracer("shanglou")
    _inject = TraceContextTextMapPropagator().inject
    return True


def span(name: str) -> AbstractContextManager[Any]:
    """A span around a block, within the one around it; gives None where tracing is off."""
    if _tracer is None:
        return _OFF
    found: AbstractContextManager[Any] = _tracer.start_as_current_span(
        # Both would tell the message of an exception.
        name,
        record_exception=False,
        set_status_on_exception=False,
    )
    return found


def trace_headers() -> dict[str, str]:
    """What tells the API which span its own belong to."""
    headers: dict[str, str] = {}
    if _inject is not None:
        _inject(headers)
    return headers
