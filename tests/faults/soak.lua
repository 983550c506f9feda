-- Admissions for wrk, and whether each is answered rightly. Arguments: a file of lines "HEAD-AND-BODY\tDENIED", in which \r, \n and @UID@ are
-- written out; the digest of the policy that denies; that of the policy that denies nothing. Both policies come into force now and then,
-- so an answer is judged by the one that it names. A uid begins with the number of its line: answers do not say otherwise what was asked.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  wrong, answered, example = 0, 0, ""
  strict, lenient = args[2], args[3]
  heads, tails, denied = {}, {}, {}
  for line in io.lines(args[1]) do
    local text, is_denied = line:match("^(.*)\t(%d)$")
    text = text:gsub("\\r", "\r"):gsub("\\n", "\n")
    local head, tail = text:match("^(.*)@UID@(.*)$")
    table.insert(heads, head)
    table.insert(tails, tail)
    table.insert(denied, is_denied == "1")
  end
  count = 0
  format = "%d-" .. number .. "-%010d-" .. args[4]
end

function request()
  count = count + 1
  local line = count % #heads + 1
  return heads[line] .. string.format(format, line, count) .. tails[line]
end

function response(status, _, body)
  local line = tonumber(body:match('"uid":"(%d+)%-'))
  local expected
  if body:find(strict, 1, true) then
    expected = line and not denied[line]
  elseif body:find(lenient, 1, true) then
    expected = true
  end
  local allowed = body:find('"allowed":true', 1, true) ~= nil
  answered = answered + 1
  if status ~= 200 or line == nil or allowed ~= expected then
    wrong = wrong + 1
    example = status .. " " .. body:sub(1, 200)
  end
end

function done(summary)
  local all_wrong, all, first = 0, 0, ""
  for _, thread in ipairs(threads) do
    all_wrong = all_wrong + thread:get("wrong")
    all = all + thread:get("answered")
    first = thread:get("example") ~= "" and thread:get("example") or first
  end
  local errors = summary.errors
  io.write(string.format("\nsoak %d %d %d %s\n", all, all_wrong, errors.connect + errors.read + errors.write + errors.timeout, first:gsub("\n", " ")))
end
