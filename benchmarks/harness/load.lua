-- wrk's script: sends what it is given as bodies, each once, and prints the result as JSON.
function init(arguments)
   local body, first = arguments[1], tonumber(arguments[2])
   if body then
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/json"
      request = function()
         first = first + 1
         local text = body:gsub("{n}", first):gsub("{n %% (%d+)}", function(m) return first % m + 1 end)
         return wrk.format(nil, nil, nil, text)
      end
   end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.status + errors.timeout
   ))
end
