"""What the API says about a wrong input, in English and Chinese. Nothing that decides whether it is wrong may enter."""

from __future__ import annotations


class Said(str):
    """An English text that carries its Chinese twin along, so that one check can answer in both."""

    __slots__ = ("zh",)
    zh: str

    def __new__(cls, en: str, zh: str) -> Said:
        """The text ``en``, with ``zh`` beside it."""
        said = super().__new__(cls, en)
        said.zh = zh
        return said

    def format(self, *args: object, **kwargs: object) -> Said:
        """Fills the braces of both texts (marshmallow formats every message it is given)."""
        return Said(str.format(self, *args, **kwargs), self.zh.format(*args, **kwargs))


TEXTS: dict[str, tuple[str, str]] = {
    "required": ("is required", "必填"),
    "unknown": ("is not a known key", "未知字段"),
    "null": ("may not be null", "不能为 null"),
    "object": ("must be an object", "必须是对象"),
    "list": ("must be a list", "必须是数组"),
    "text": ("must be a text", "必须是文本"),
    "flag": ("must be true or false", "必须是 true 或 false"),
    "whole": ("must be an integer from {low} to {high}", "必须是 {low} 到 {high} 的整数"),
    "length": ("must have {low} to {high} characters", "长度必须为 {low} 到 {high} 个字符"),
    "surrogate": ("holds half a character (a lone surrogate)", "含有不完整的字符（孤立代理项）"),
    "control": ("holds a control character", "含有控制字符"),
    "identifier": (
        "must be 1 to 64 characters without control characters, '/' or spaces at the ends, and not '.' or '..'",
        "必须为 1 到 64 个字符，不含控制字符和“/”，首尾无空格，且不是“.”或“..”",
    ),
    "choice": ("must be one of {choices}", "必须是以下之一：{choices}"),
    "time": ("must be an RFC 3339 time with an offset", "必须是带时区偏移的 RFC 3339 时间"),
    "day": ("must be a day like 2026-03-09", "必须是形如 2026-03-09 的日期"),
    "currency": ("must be an ISO 4217 code", "必须是 ISO 4217 货币代码"),
    "count": ("must have {low} to {high} entries", "必须有 {low} 到 {high} 项"),
    "twice": ("is there twice", "重复出现"),
    "sum": ("adds up to more than {high}", "合计超过 {high}"),
    "before": ("must not be after {other}", "不得晚于 {other}"),
    "future": ("lies more than five minutes ahead", "晚于当前时间五分钟以上"),
    "not_zero": ("must not be 0", "不得为 0"),
    "not_built": ("is not built yet", "尚未实现"),
    "period": ("must be a month like 2026-03", "必须是形如 2026-03 的账期"),
    "cursor": ("is not a cursor of this list", "不是该列表的游标"),
    "parameter_twice": ("may be given once", "只能出现一次"),
    "json_syntax": ("{what} at character {place}", "第 {place} 个字符处有语法错误"),
    "json_bom": ("it begins with a byte order mark (BOM)", "开头有字节顺序标记（BOM）"),
    "json_utf8": ("not UTF-8 at byte {place}", "第 {place} 个字节处不是 UTF-8"),
    "json_constant": ("{name} is not a JSON number", "{name} 不是合法的 JSON 数字"),
    "json_number": ("a number is too long", "数字过长"),
    "json_twice": ("the key {name} is there twice", "键 {name} 重复出现"),
    "no_body": ("this call takes no body", "此调用不接受请求体"),
    "key_characters": ("must be 1 to {high} visible ASCII characters", "必须是 1 到 {high} 个可见 ASCII 字符"),
    "depth": ("nests deeper than {high} levels", "嵌套超过 {high} 层"),
    "belongs_elsewhere": ("does not go with {other}", "不能与 {other} 同时使用"),
    "attributes": (
        "must be texts, integers, true, false or null, at most {high} of them",
        "只能是文本、整数、布尔或 null，最多 {high} 项",
    ),
    "either_or": ("give {one} or {other}, not both", "{one} 与 {other} 只能填一个"),
}


def say(key: str, **params: object) -> Said:
    """The text of ``key`` in both languages, its braces filled.

    >>> say("before", other="occurred_at").zh
    '不得晚于 occurred_at'
    """
    en, zh = TEXTS[key]
    return Said(en.format(**params), zh.format(**params))


def in_language(text: str, language: str) -> str:
    """The Chinese twin of a text where it is wanted and there is one."""
    return text.zh if language == "zh" and isinstance(text, Said) else text
