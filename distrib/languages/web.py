"""Flask-Babel for an app of ours: its locale is the caller's language, its templates say messages of the catalogues."""

from __future__ import annotations

from flask import Flask, request
from flask_babel import Babel, get_locale, get_translations

from distrib.domain.texts import Text
from distrib.languages import DIRECTORY, ENGLISH, LANGUAGES, render_both
from distrib.languages.readers import BOTH


def serve_languages(app: Flask) -> None:
    """Gives ``app`` its locale, and its templates ``_`` and ``both``: what these say is escaped as any text is."""
    Babel(app, default_translation_directories=str(DIRECTORY), locale_selector=preferred_language)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda message: get_translations().ugettext(message),
        ngettext=lambda single, many, count: get_translations().ungettext(single, many, count),
        pgettext=lambda context, message: get_translations().upgettext(context, message),
        newstyle=False,
    )
    app.jinja_env.globals["both"] = lambda message, between=" ": render_both(Text(message), between)


def preferred_language() -> str:
    """Resolves what the request's ``Accept-Language`` prefers of the languages there are."""
    return request.accept_languages.best_match(LANGUAGES, default=ENGLISH)


def accepted_reader() -> str:
    """Resolves in which languages a file is wanted by ``Accept-Language``: of none that there is, in both."""
    return request.accept_languages.best_match(LANGUAGES, default=BOTH)


def current_language() -> str:
    """Reads the language of this request."""
    return str(get_locale() or ENGLISH)
