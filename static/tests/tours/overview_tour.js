import { registry } from "@web/core/registry";

const steps = (url, key) => [
    {
        content: "nothing is connected yet: the page says what to do",
        trigger: ".o_sync_overview .o_view_nocontent button:contains(Connect)",
        run: "click",
    },
    {
        trigger: ".modal .o_field_widget[name=name] input",
        run: "edit Tour Pharmacy",
    },
    {
        trigger: ".modal .o_field_widget[name=url] input",
        run: `edit ${url}`,
    },
    {
        content: "the app of the test is inside of the network",
        trigger: ".modal .o_field_widget[name=internal] input",
        run: "click",
    },
    {
        content: "a wrong key is reported as such, with what to do",
        trigger: ".modal .o_field_widget[name=api_key] input",
        run: "edit wrong",
    },
    { trigger: ".modal button[name=action_test]:visible", run: "click" },
    {
        trigger: ".modal .o_data_row:contains(does not know this key)",
    },
    {
        trigger: ".modal .o_data_row:contains(Not tried)",
    },
    {
        trigger: ".modal .o_field_widget[name=api_key] input",
        run: `edit ${key}`,
    },
    { trigger: ".modal button[name=action_test]:visible", run: "click" },
    {
        trigger: ".modal .alert:contains(The pharmacy app is ready)",
    },
    { trigger: ".modal button[name=action_connect]:visible", run: "click" },
    {
        content: "nothing is written yet: what would be done is read",
        trigger: ".o_form_view .alert:contains(Nothing was written on either side yet)",
    },
    {
        content: "the page shows by itself that the preview is ready",
        trigger: "button[name=action_start]:contains(Start):visible",
        timeout: 60000,
    },
    { trigger: ".o_data_row:contains(Suppliers):contains(All records of the company)" },
    {
        content: "what belongs to this pharmacy is chosen there",
        trigger: ".o_data_row:contains(Suppliers) button[name=action_choose]",
        run: "click",
    },
    { trigger: ".modal [name=rule] .o_select_menu_toggler", run: "click" },
    {
        trigger: ".o_select_menu_item:contains(Only what is linked already)",
        run: "click",
    },
    {
        content: "it is chosen: a page without changes would close without saving",
        trigger: ".modal [name=rule] .o_select_menu_toggler:value(Only what is linked)",
    },
    { trigger: ".modal .o_form_button_save", run: "click" },
    {
        content: "then the preview is not what would be done any more",
        trigger: ".alert:contains(chosen otherwise since both):visible",
    },
    { trigger: "body:not(:has(button[name=action_start]:contains(Start)))" },
    {
        trigger: "button[name=action_preview]:contains(Preview Again):visible",
        run: "click",
    },
    { trigger: ".modal button:contains(Read Again)", run: "click" },
    {
        trigger: "button[name=action_start]:contains(Start):visible",
        timeout: 60000,
    },
    { trigger: ".o_data_row:contains(Suppliers):contains(Only what is linked already)" },
    { trigger: "button[name=action_start]:contains(Start):visible", run: "click" },
    { trigger: ".modal button:contains(Start)", run: "click" },
    {
        content: "it is carried out, and both sides follow each other",
        trigger: ".o_arrow_button_current:contains(Finished)",
        timeout: 60000,
    },
];

// The app's address and key are in the page's address, where the test put them.
const given = (name) => new URLSearchParams(window.location.search).get(name);

registry.category("web_tour.tours").add("pharmacy_sync_connect", {
    steps: () => steps(given("app"), given("key")),
});

registry.category("web_tour.tours").add("pharmacy_sync_overview", {
    steps: () => [
        {
            content: "one dead letter and an open breaker weigh on the score",
            trigger: ".o_sync_part[data-name=open_breakers] .o_sync_lost:contains(of 20)",
        },
        {
            content: "how the score adds up is said",
            trigger: ".o_sync_health p:contains(begins at 100)",
        },
        {
            content: "what to do first opens what waits",
            trigger: ".o_sync_tasks li:first .o_sync_task:contains(Mend 1 failed change)",
            run: "click",
        },
        { trigger: ".o_list_view .o_data_row" },
        {
            trigger: ".o_breadcrumb .breadcrumb-item a:contains(Overview)",
            run: "click",
        },
        {
            content: "the countdown runs",
            trigger: ".o_sync_breaker .o_sync_countdown:contains(:)",
        },
        {
            content: "look back a week",
            trigger: ".o_sync_range[data-range='7d']",
            run: "click",
        },
        { trigger: ".o_sync_range.active[data-range='7d']" },
        { trigger: ".o_sync_figure[data-name=errors]:contains(last 7 days)" },
        {
            content: "of the attempts that failed those open which are open still",
            trigger: ".o_sync_figure[data-name=errors] .o_sync_figure_part:contains(1 open)",
            run: "click",
        },
        { trigger: ".o_list_view .o_data_row:contains(Authentication failed)" },
        { trigger: ".o_facet_value:contains(Unresolved)" },
        {
            trigger: ".o_breadcrumb .breadcrumb-item a:contains(Overview)",
            run: "click",
        },
        {
            content: "a figure opens its list",
            trigger: ".o_sync_figure[data-name=dead_letters] .o_sync_value:contains(1)",
            run: "click",
        },
        {
            content: "with its filter, grouped by cause",
            trigger: ".o_list_view .o_group_header:contains(Authentication failed)",
        },
        { trigger: ".o_facet_values" },
        {
            content: "and back again, where one was",
            trigger: ".o_breadcrumb .breadcrumb-item a:contains(Overview)",
            run: "click",
        },
        { trigger: ".o_sync_range.active[data-range='7d']" },
        {
            content: "why opens its list, with its filter",
            trigger: ".o_sync_part[data-name=open_breakers]",
            run: "click",
        },
        { trigger: ".o_facet_value:contains(Not working)" },
        {
            trigger: ".o_breadcrumb .breadcrumb-item a:contains(Overview)",
            run: "click",
        },
        {
            content: "the most frequent failure opens",
            trigger: ".o_sync_group:contains(Authentication failed)",
            run: "click",
        },
        { trigger: ".o_form_view .o_field_widget[name=count]" },
    ],
});

registry.category("web_tour.tours").add("pharmacy_sync_timeline", {
    steps: () => [
        {
            content: "the order says how it stands",
            trigger: "button[name=action_view_sync]:contains(Change Failed)",
            run: "click",
        },
        {
            content: "its history says what was done",
            trigger: ".o_sync_timeline .o_data_row:contains(Could not be sent)",
        },
        { trigger: ".o_sync_timeline .o_data_row:contains(Order created)" },
        {
            content: "an error opens from its line",
            trigger:
                ".o_sync_timeline .o_data_row:contains(Authentication failed) button[name=action_open]",
            run: "click",
        },
        { trigger: ".o_form_view .o_field_widget[name=advice]" },
    ],
});
