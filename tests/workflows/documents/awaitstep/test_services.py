"""Documents with AwaitStep's nodes for services, with the settings that its editor writes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, node
from workflows.documents.awaitstep.conversion import convert
from workflows.ir.custom.definition import Definition
from workflows.nodes.library.library import library
from workflows.nodes.library.registry import registry

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "openai": [
        {
            "action": "Chat Completion", "model": "gpt-4o", "systemPrompt": "Be brief.", "temperature": 1,
            "userMessage": "Summarize ${order.text}", "maxTokens": 200, "apiKey": "{{env.OPENAI_API_KEY}}",
        },
        {"action": "Create Embedding", "input": "{{order.text}}", "apiKey": "env.OPENAI_API_KEY"},
        {"action": "Create Image", "imagePrompt": "a mug", "size": "1792x1024"},
        {"action": "Moderate Content", "moderationInput": "{{order.text}}"},
    ],
    "anthropic": [
        {
            "action": "Chat Completion", "model": "claude-sonnet-4-20250514", "userMessage": "Hi", "temperature": 1,
            "maxTokens": 1024, "apiKey": "{{env.ANTHROPIC_API_KEY}}",
        }
    ],
    "github": [
        {"action": "Create Issue", "owner": "acme", "repo": "shop", "title": "Late", "labels": '["bug"]', "assignees": ["a"]},
        {"action": "Get Issue", "owner": "acme", "repo": "shop", "issueNumber": "{{order.issue}}"},
        {"action": "Create Comment", "owner": "acme", "repo": "shop", "issueNumber": 7, "commentBody": "Shipped."},
        {"action": "List Repo Issues", "owner": "acme", "repo": "shop", "state": "closed"},
    ],
    "twilio": [
        {"action": "Send SMS", "to": "{{order.phone}}", "from": "+1555", "body": "Hi", "statusCallbackUrl": "https://x.c/s"},
        {"action": "Send WhatsApp", "to": "+1555", "from": "+1556", "body": "Hi"},
        {"action": "Make Call", "to": "+1555", "from": "+1556", "twiml": "<Response><Say>Hi</Say></Response>"},
        {"action": "Get Message Status", "messageSid": "SM1", "authToken": "{{env.TWILIO_AUTH_TOKEN}}"},
    ],
    "discord": [
        {"action": "Send Webhook Message", "content": "Hi", "username": "Shop", "avatarUrl": "https://x.c/a.png"},
        {"action": "Send Channel Message", "channelId": "1", "content": "Hi"},
        {"action": "Edit Message", "channelId": "1", "messageId": "2", "content": "New"},
        {"action": "Delete Message", "channelId": "1", "messageId": "2"},
    ],
    "airtable": [
        {"action": "Create Record", "baseId": "app1", "tableId": "tbl1", "fields": '{"Name": "{{order.name}}"}'},
        {"action": "Get Record", "baseId": "app1", "tableId": "tbl1", "recordId": "rec1", "maxRecords": 100},
        {"action": "Update Record", "baseId": "app1", "tableId": "tbl1", "recordId": "rec1", "fields": {"Done": True}},
        {"action": "List Records", "baseId": "app1", "tableId": "tbl1", "filterFormula": "{Status} = 'New'", "maxRecords": 50},
    ],
    "notion": [
        {"action": "Create Page", "databaseId": "db1", "properties": {"Name": {}}, "content": "Hi"},
        {"action": "Get Page", "pageId": "p1"},
        {"action": "Update Page", "pageId": "p1", "properties": '{"Done": {"checkbox": true}}'},
        {"action": "Query Database", "databaseId": "db1", "filter": {"property": "Done"}, "sorts": []},
    ],
    "hubspot": [
        {"action": "Create Contact", "email": "a@x.c", "firstName": "Ada", "lastName": "Lovelace"},
        {"action": "Get Contact", "contactId": "51"},
        {"action": "Update Contact", "contactId": "51", "properties": {"phone": "+1555"}},
        {"action": "Search Contacts", "query": "ada", "searchFilters": []},
    ],
    "google-sheets": [
        {"action": "Read Rows", "spreadsheetId": "s1", "range": "A1:D10", "accessToken": "{{env.GOOGLE_SHEETS_ACCESS_TOKEN}}"},
        {"action": "Append Row", "spreadsheetId": "s1", "range": "A1", "values": '[["a", "b"]]'},
        {"action": "Update Row", "spreadsheetId": "s1", "range": "A1", "values": [["a"]]},
        {"action": "Clear Range", "spreadsheetId": "s1", "range": "A1"},
        {"action": "Get Spreadsheet", "spreadsheetId": "s1"},
    ],
}  # fmt: skip
DEFINITIONS: dict[str, Definition] = {
    name: each.type.custom.definition for (name, _), each in library().items() if each.type.custom
}


@pytest.mark.parametrize("type_", SETTINGS)
def test_a_document_with_a_service_can_be_run_here(type_: str) -> None:
    nodes = [node(f"n{at}", type_, **data) for at, data in enumerate(SETTINGS[type_])]
    order = node("order", code="return event.payload;")

    found = convert(chain(order, *nodes), registry())
    module = generated(
        found.document,
        registry(),
        variables=frozenset(each.variable for each in DEFINITIONS[type_].secrets),
    )

    assert [str(problem) for problem in (*found.problems, *module.problems)] == []
