-- wrk posts reviews, and says what came of it as one line of JSON.
--   wrk … URL -- BODY NAMES SECONDS
-- BODY is a file. NAMES has one registry a line: each request asks about the next of them, in place of "contoso" in the body; "-" for
-- none. SECONDS: no request is sent before they are over, so that all connections are there when the first is; 0 for no such wait.

local reviews = {}
local last = 0
local begin = 0

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function next_review()
  last = last % #reviews + 1
  return reviews[last]
end

local function milliseconds_left()
  return math.max(0, begin - os.time()) * 1000
end

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"

function init(arguments)
  local body = contents(arguments[1])
  if arguments[2] == "-" then
    wrk.body = body  -- wrk formats it once
  else
    for name in io.lines(arguments[2]) do
      local review = body:gsub("contoso", name)
      reviews[#reviews + 1] = wrk.format(nil, nil, nil, review)
    end
    request = next_review
  end
  local wait = tonumber(arguments[3])
  if wait > 0 then
    begin = os.time() + wait
    delay = milliseconds_left
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  local line = '{"requests":%d,"seconds":%.6f,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n'
  io.write(line:format(summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), errors.connect,
    errors.read, errors.write, errors.status, errors.timeout))
end
