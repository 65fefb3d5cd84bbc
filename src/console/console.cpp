#include "console/console.h"

#include <httplib.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "console/mirror_status.h"
#include "postgres/client/connection.h"

namespace tandem::console {
namespace {

// The page fetches the JSON itself, so that nothing is rendered twice.
constexpr const char* kPage = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tandem</title>
<style>
 body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
        color: #1c2430; background: #fff }
 h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
 table { border-collapse: collapse; width: 100% }
 th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #e3e7ec }
 th { font-weight: 600; color: #5a6675 } td.n { font-variant-numeric: tabular-nums }
 .live, .running { color: #11734b } .failed { color: #b3261e } #error { color: #b3261e }
 @media (prefers-color-scheme: dark) { body { color: #e3e7ec; background: #14181d }
   th { color: #98a4b3 } th, td { border-color: #2b323b } }
</style></head><body>
<h1>Tandem</h1><p id="error" role="status"></p>
<h2>Mirrors</h2><table id="mirrors"></table>
<h2>Tables</h2><table id="tables"></table>
<script>
const cell = (text, kind) => { const td = document.createElement('td');
  td.textContent = text ?? ''; if (kind) td.className = kind; return td; };
function fill(id, heads, rows) {
  const table = document.getElementById(id); table.replaceChildren();
  const head = table.createTHead().insertRow();
  for (const h of heads) {
    const th = document.createElement('th'); th.textContent = h; head.append(th);
  }
  const body = table.createTBody();
  for (const row of rows) { const tr = body.insertRow(); for (const c of row) tr.append(c); }
  if (!rows.length) body.insertRow().append(cell('none yet'));
}
async function refresh() {
  const error = document.getElementById('error');
  try {
    const answer = await fetch('api/status'); const s = await answer.json();
    error.textContent = s.error ?? '';
    if (s.error) return;
    const lag = Object.fromEntries(s.lag.map(l => [l.mirror, l]));
    fill('mirrors', ['mirror', 'state', 'tables live', 'rows loaded', 'lag (bytes)', 'error'],
      s.mirrors.map(m => [cell(m.name), cell(m.state, m.state),
        cell(m.tables_live + ' of ' + m.tables, 'n'),
        cell(m.rows_loaded, 'n'), cell(lag[m.name]?.lag_bytes, 'n'), cell(m.error_message)]));
    fill('tables', ['table', 'mirror', 'state', 'chunks', 'rows loaded', 'error'],
      s.tables.map(t => [cell(t.schema_name + '.' + t.table_name), cell(t.mirror),
        cell(t.state, t.state), cell(t.chunks_done + ' of ' + t.chunks, 'n'),
        cell(t.rows_loaded, 'n'), cell(t.error_message)]));
  } catch (e) { error.textContent = e.message; }
}
refresh(); setInterval(refresh, 2000);
</script></body></html>
)html";

constexpr int kThreads = 4;

std::string error_body(const Error& error) {
    return nlohmann::json({{"error", error.message()}})
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<std::string> status_of(const std::string& source) {
    postgres::ConnectOptions options;
    options.conninfo = source;
    options.application_name = "tandem console";
    options.connect_timeout = std::chrono::seconds(5);
    options.statement_timeout = std::chrono::seconds(10);
    postgres::Connection connection = TRY(postgres::Connection::open(options));
    return read_mirror_status(connection);
}

}  // namespace

struct Console::State {
    httplib::Server server;
    std::string source;
    std::thread thread;

    void answer(httplib::Response& response, const Result<std::string>& body,
                const char* content_type) {
        if (body.ok()) {
            response.set_content(*body, content_type);
            return;
        }
        response.status = 503;
        response.set_content(error_body(body.error()), "application/json");
    }

    void route() {
        using httplib::Request;
        using httplib::Response;
        server.set_default_headers(
            {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}});
        server.Get("/", [](const Request&, Response& response) {
            response.set_content(kPage, "text/html; charset=utf-8");
        });
        server.Get("/api/status", [this](const Request&, Response& response) {
            answer(response, status_of(source), "application/json");
        });
        server.Get("/healthz", [this](const Request&, Response& response) {
            Result<std::string> status = status_of(source);
            answer(response, status.ok() ? Result<std::string>("ok\n") : status, "text/plain");
        });
        server.Get("/metrics", [this](const Request&, Response& response) {
            Result<std::string> status = status_of(source);
            answer(response, status.ok() ? console::to_prometheus(*status) : status,
                   "text/plain; version=0.0.4");
        });
    }
};

Console::Console(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Console>> Console::start(uint16_t port, std::string source) {
    auto state = std::make_unique<State>();
    state->source = std::move(source);
    state->server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    state->server.set_payload_max_length(1024);
    // Left to itself the library shares the port with whoever else listens on it.
    state->server.set_socket_options([](socket_t) {});
    state->route();
    if (!state->server.bind_to_port("127.0.0.1", port))
        return Error(ErrorCode::kPortTaken,
                     "the console cannot listen on port " + std::to_string(port));
    state->thread = std::thread([raw = state.get()] { raw->server.listen_after_bind(); });
    return std::unique_ptr<Console>(new Console(std::move(state)));
}

Console::~Console() {
    state_->server.stop();
    if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace tandem::console
