import { registry } from "@web/core/registry";

import { click, fill, see, without } from "./steps";

const field = (name) => `.modal .o_field_widget[name=${name}]`;
const label = (text) => `.modal .o_form_label:contains(/^${text}/)`;
const choose = (text) => [
    click(`${field("auth_method")} .o_select_menu_toggler`),
    click(`.o_select_menu_item:contains('${text}')`),
];
const test = ".modal button[name=action_test]:visible";

// The app's address and key are in the page's address, where the test put them.
const given = (name) => new URLSearchParams(window.location.search).get(name);

registry.category("web_tour.tours").add("pharmacy_sync_connect_auth", {
    steps: () => [
        click(".o_sync_overview .o_view_nocontent button:contains(Connect)"),
        fill(`${field("name")} input`, "Tour Pharmacy"),
        fill(`${field("url")} input`, given("app")),
        click(`${field("internal")} input`),
        see(without(".modal", "[name=auth_user]"), "a key needs no user name"),
        ...choose("User name and password"),
        see(`${field("auth_user")} input`, "what matters is asked for"),
        see(label("Password")),
        ...choose("API key in a header"),
        see(`${field("auth_header")} input`),
        see(label("API Key")),
        see(without(".modal", "[name=auth_user]"), "and nothing else"),
        ...choose("OAuth 2.0"),
        see(label("Client Secret")),
        fill(`${field("token_url")} input`, `${given("app")}/oauth/token`),
        fill(`${field("client_id")} input`, "odoo"),
        fill(`${field("api_key")} input`, "wrong"),
        click(test),
        see(".modal .o_data_row:contains(does not know this client ID)"),
        see(".modal .o_data_row:contains(Not tried)"),
        fill(`${field("api_key")} input`, given("key")),
        click(test, "the secret is corrected, and the steps are tried again"),
        see(".modal .o_data_row:contains(gives Odoo a token)"),
        see(".modal .alert:contains(The pharmacy app is ready)"),
        click(".modal button[name=action_connect]:visible"),
        see(".o_form_view .alert:contains(Nothing was written on either side yet)"),
    ],
});
