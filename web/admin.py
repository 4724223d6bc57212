"""Django's pages of users and groups, with a check for edits that were made at the same time."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User

from web.edit_conflicts import EditConflictAdmin, EditConflictForm

admin.site.unregister([User, Group])


class UserConflictForm(EditConflictForm[User], UserChangeForm[User]):
    """Django's form. Logging in and changing the password edit nothing that it shows."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"last_login", "password"})


@admin.register(User)
class UserConflictAdmin(EditConflictAdmin, UserAdmin[User]):
    """Django's page of a user. The last login is shown, so that saving never writes an old one."""

    form = UserConflictForm
    readonly_fields = ["last_login"]


@admin.register(Group)
class GroupConflictAdmin(EditConflictAdmin, GroupAdmin):
    """Django's page of a group."""
