"""Django's pages for users and groups, with a check for simultaneous edits."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User

from web.forms.edit_conflicts import EditConflictAdmin, EditConflictForm

admin.site.unregister([User, Group])


class UserConflictForm(EditConflictForm[User], UserChangeForm[User]):
    """Django's form. A login or a change of the password does not count as an edit of the user."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"last_login", "password"})


@admin.register(User)
class UserConflictAdmin(EditConflictAdmin, UserAdmin[User]):
    """Django's page for a user. The last login is read-only, so that no save overwrites it."""

    form = UserConflictForm
    readonly_fields = ["last_login"]


@admin.register(Group)
class GroupConflictAdmin(EditConflictAdmin, GroupAdmin):
    """Django's page for a group."""
