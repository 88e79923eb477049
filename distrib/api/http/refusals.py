"""What is refused of calls over HTTP, whatever they ask for."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said
from distrib.domain.texts import Wording


class NotJson(NamedRefusal, code="not_json", status=400):
    """What came is no JSON, or none that is read."""

    said = Said("The body is not JSON: {reason}", "请求体不是合法的 JSON：{reason}")
    reason: Wording


class MetricsClosed(NamedRefusal, code="metrics_closed", status=403):
    """Figures are not shown to whoever asks from elsewhere without the key."""

    said = Said(
        "The figures are for this machine alone, or for the key that DISTRIB_METRICS_KEY sets.",
        "指标仅供本机读取，或凭 DISTRIB_METRICS_KEY 所设密钥读取。",
    )


class MethodNotAllowed(NamedRefusal, code="method_not_allowed", status=405):
    """A resource does not take the method."""

    said = Said("The method is not allowed here.", "此处不允许该方法。")


class NotAcceptable(NamedRefusal, code="not_acceptable", status=406):
    """Nothing that the caller takes can be answered."""

    said = Said("No acceptable representation.", "没有可接受的表示形式。")


class RequestTimeout(NamedRefusal, code="request_timeout", status=408):
    """The request was not there when its time was over."""

    said = Said("The request did not come in time.", "请求未在时限内到达。")


class UriTooLong(NamedRefusal, code="uri_too_long", status=414):
    """The request line has more bytes than it may."""

    said = Said("The request line is too long.", "请求行过长。")


class UnsupportedMediaType(NamedRefusal, code="unsupported_media_type", status=415):
    """The body is of a kind that is not read."""

    said = Said("Send {expected}.", "请改用 {expected}。")
    expected: str


class TooManyRequests(NamedRefusal, code="too_many_requests", status=429):
    """A caller may come so often, and came more."""

    said = Said("Too many requests; the next may come in {seconds} s.", "请求过于频繁，{seconds} 秒后可再试。")
    seconds: int


class TooManyBadKeys(NamedRefusal, code="too_many_bad_keys", status=429):
    """An address tries keys."""

    said = Said(
        "Too many calls with keys that are not good; try again in {seconds} s.",
        "使用无效密钥的请求过多，请在 {seconds} 秒后再试。",
    )
    seconds: int


class TooManyValues(NamedRefusal, code="too_many_values", status=422):
    """A body holds more values than are read."""

    said = Said("The body holds more than {most} values.", "请求体所含的值超过 {most} 个。")
    most: int


class HeadersTooLarge(NamedRefusal, code="headers_too_large", status=431):
    """The headers have more bytes than they may."""

    said = Said("The headers are too large.", "请求头过大。")


class Unavailable(NamedRefusal, code="unavailable", status=503):
    """The database does not answer just now."""

    said = Said("Try again in a moment.", "服务暂不可用，请稍后重试。")


class ProgramBusy(NamedRefusal, code="program_busy", status=503):
    """A program has its share of what works here under way."""

    said = Said(
        "The program has as many calls under way as it may have; try again in a moment.",
        "该计划正在处理的请求已达上限，请稍后再试。",
    )


class BacklogFull(NamedRefusal, code="backlog_full", status=503):
    """More events are not taken before some are worked on."""

    said = Said(
        "As much of the program waits to be settled as may wait; try again in {seconds} s.",
        "该计划待结算的积压已达上限，请在 {seconds} 秒后再试。",
    )
    seconds: int
