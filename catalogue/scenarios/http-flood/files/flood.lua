-- Requests for wrk; it ends after so many answers.
math.randomseed({{index (made "seeds" "seed") (sub .self.index 1)}})
local most, answers = {{.params.requests}}, 0

local function word(least, longest)
	local letters = {}
	for i = 1, math.random(least, longest) do
		letters[i] = string.char(math.random(97, 122))
	end
	return table.concat(letters)
end

local systems = {"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"}
local sites = {"http://www.google.com/?q=", "http://www.usatoday.com/search/results?q=", "http://engadget.search.aol.com/search?q="}

function request()
	local headers = {}
{{- if not .params.keep}}
	headers["Connection"] = "close"
{{- end}}
{{- if eq .task "one"}}
	headers["User-Agent"] = "Mozilla/5.0 (" .. systems[math.random(#systems)] .. ") Gecko/20100101 Firefox/" .. math.random(60, 115) .. ".0"
	headers["Referer"] = sites[math.random(#sites)] .. word(5, 10)
	headers["Cache-Control"] = "no-cache"
	return wrk.format("GET", "/?" .. word(3, 10) .. "=" .. word(3, 20), headers)
{{- else}}
	return wrk.format("GET", "/", headers)
{{- end}}
end

function response()
	answers = answers + 1
	if answers == most then
		-- Not wrk.thread:stop(), after which wrk waits for the end of its time.
		io.write(answers, " requests in all\n")
		io.flush()
		os.exit(0)
	end
end
