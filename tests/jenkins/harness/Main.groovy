// Reads a declarative Jenkinsfile; with `validate` it says what is in it, with `run` it takes its stages in order.
// Arguments: validate|run, the Jenkinsfile, and for `run` a scenario as JSON. The answer is JSON on standard output.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import org.codehaus.groovy.control.CompilationFailedException

def (mode, path) = [args[0], args[1]]
def text = new File(path).getText('UTF-8')
Source source
Pipeline pipeline
def problems
try {
    source = new Source(text)
    pipeline = Reader.read(text)
    problems = source.problems() + pipeline.problems()
} catch (IllegalArgumentException | CompilationFailedException unreadable) {
    problems = (source?.problems() ?: []) + [unreadable.message]
}
def answer = [problems: problems]
if (mode == 'run' && !problems) {
    answer = new Build(pipeline, new JsonSlurper().parse(new File(args[2]), 'UTF-8')).run()
} else if (mode == 'validate' && pipeline) {
    answer += pipeline.described() + [shells: source.shells]
}
println JsonOutput.toJson(answer)
