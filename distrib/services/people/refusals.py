"""What is refused of people who sign in."""

from __future__ import annotations

from distrib.domain.errors import NamedRefusal, Said


class SignInFailed(NamedRefusal, code="sign_in_failed", status=401):
    """Login and password do not go together; which of them is wrong is not said."""

    said = Said("The login or the password is not right.", "登录名或密码不正确。")


class TooManySignIns(NamedRefusal, code="too_many_sign_ins", status=429):
    """Somebody tried too often."""

    said = Said("Too many tries; try again in {seconds} s.", "尝试次数过多；请在 {seconds} 秒后再试。")
    seconds: int


class PersonKnown(NamedRefusal, code="person_known", status=409):
    """A login belongs to one person."""

    said = Said("There is a person with the login {login} already.", "登录名 {login} 已被使用。")
    login: str


class PersonUnknown(NamedRefusal, code="person_unknown", status=404):
    """Nobody has that login."""

    said = Said("Nobody has the login {login}.", "没有登录名为 {login} 的人。")
    login: str


class PersonSeated(NamedRefusal, code="person_seated", status=409):
    """A person has one seat in a program."""

    said = Said("{login} has a seat in the program already.", "{login} 已在该计划中。")
    login: str


class PersonElsewhere(NamedRefusal, code="person_elsewhere", status=409):
    """A person of several programs is no one program's to let in anew."""

    said = Said(
        "{login} has a seat in another program, too; who runs the service gives a new password there.",
        "{login} 在其他分销计划中也有席位；须由服务运维人员重设密码。",
    )
    login: str


class SubjectBound(NamedRefusal, code="subject_bound", status=409):
    """A login and a provider's account belong to one person each."""

    said = Said(
        "{login} or {subject} is bound already, and not to each other; unbind first.",
        "{login} 或 {subject} 已有绑定，且不是彼此；请先解绑。",
    )
    login: str
    subject: str


class SubjectUnknown(NamedRefusal, code="subject_unknown", status=403):
    """A provider let somebody in whom nobody knows here."""

    said = Said(
        "Nobody here is {subject} of {provider}; who runs this service binds it to a login (distrib person bind).",
        "{provider} 的账号 {subject} 未绑定任何登录名；请服务运维人员绑定（distrib person bind）。",
    )
    subject: str
    provider: str


class ProviderRefused(NamedRefusal, code="provider_refused", status=401):
    """The provider let nobody in."""

    said = Said(
        "The sign-in at {provider} did not come to its end; begin it again.",
        "在 {provider} 的登录没有完成，请重新开始。",
    )
    provider: str


class ProviderUnreachable(NamedRefusal, code="provider_unreachable", status=503):
    """The provider does not answer."""

    said = Said(
        "{provider} does not answer; try again in a moment, or use the password.",
        "{provider} 无应答；请稍后再试，或用密码登录。",
    )
    provider: str


class PasswordLinkOver(NamedRefusal, code="password_link_over", status=410):
    """A link to a new password is good once, and not for long."""

    said = Said(
        "The link is over, or was used before; ask an admin of your program for another one.",
        "链接已失效或已使用过，请向本计划的管理员另要一条。",
    )
