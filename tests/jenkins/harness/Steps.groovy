// The steps that our Jenkinsfile may take. `sh` is executed; what only a Jenkins has is recorded.
import groovy.io.FileType
import java.nio.file.FileSystems

class Steps extends Block {
    final Build build
    final Map<String, String> variables
    final File folder

    Steps(Build build, Map<String, String> variables, File folder = new File(build.scenario.workspace)) {
        this.build = build
        this.variables = variables
        this.folder = folder
    }

    String getWhere() { "steps of ${build.stageName}" }

    Map getParams() { build.params }

    Map getCurrentBuild() { [currentResult: build.result] }

    Object getScm() { 'scm' }

    Variables getEnv() { new Variables(build.global, environment()) }

    void echo(String words) { build.note('echo', [words: words]) }

    void script(Closure body) { inside(body) }

    void error(Object words) { throw new Failed(words.toString()) }

    void unstable(Object words) {
        build.worsen('UNSTABLE')
        build.note('unstable', [words: words.toString()])
    }

    boolean fileExists(String path) { new File(folder, path).exists() }

    void dir(String path, Closure body) { build.steps(body, variables, new File(folder, path)) }

    void deleteDir() { folder.deleteDir() }

    void checkout(Object what) { build.note('checkout', [what: what]) }

    void milestone(Map given) { build.note('milestone', given) }

    void writeFile(Map given) {
        def file = new File(folder, given.file)
        file.parentFile.mkdirs()
        file.setText(given.text.toString(), 'UTF-8')
    }

    void node(String label, Closure body) { build.onAgent(label) { inside(body) } }

    void lock(Map given, Closure body) { build.holding(given) { inside(body) } }

    Map string(Map given) { given }

    void withCredentials(List<Map> bindings, Closure body) {
        def bound = bindings.collectEntries { [it.variable, build.credential(it.credentialsId)] }
        build.steps(body, variables + bound, folder)
    }

    def sh(Object given) {
        def (script, isAsked) = given instanceof Map ? [given.script, given.returnStatus] : [given, false]
        if (!(script instanceof String)) { throw new Failed('sh was given a text that Groovy filled in') }
        if (!build.agents) { throw new Failed("sh without an executor: ${script}") }
        def status = execute(script)
        build.note('sh', [script: script, status: status])
        if (isAsked) { return status }
        if (status != 0) { throw new Failed("script returned exit code ${status}: ${script}") }
        null
    }

    void junit(Map given) {
        def failures = matching(given.testResults).sum(0) {
            def root = new XmlSlurper().parse(it)
            root.'**'.count { node -> node.name() == 'failure' || node.name() == 'error' }
        }
        build.note('junit', [failures: failures])
        if (failures) { build.worsen('UNSTABLE') }
    }

    void archiveArtifacts(Map given) {
        def found = matching(given.artifacts)
        if (!found && !given.allowEmptyArchive) { throw new Failed("nothing matches ${given.artifacts}") }
        found.each {
            def copy = new File(build.scenario.archive, folder.toPath().relativize(it.toPath()).toString())
            copy.parentFile.mkdirs()
            copy.bytes = it.bytes
        }
        build.note('archived', [files: found*.name.sort()])
    }

    void stash(Map given) {
        build.stashes[given.name] = matching(given.includes).collectEntries {
            [folder.toPath().relativize(it.toPath()).toString(), it.bytes]
        }
    }

    void unstash(String name) {
        if (!build.stashes.containsKey(name)) { throw new Failed("there is no stash ${name}") }
        build.stashes[name].each { path, bytes ->
            def file = new File(folder, path)
            file.parentFile.mkdirs()
            file.bytes = bytes
        }
    }

    private void inside(Closure body) { build.steps(body, variables, folder) }

    private List<File> matching(String pattern) {
        def matcher = FileSystems.default.getPathMatcher("glob:${pattern}")
        def found = []
        if (folder.exists()) {
            folder.eachDir { if (!it.name.startsWith('.')) { it.eachFileRecurse(FileType.FILES) { found << it } } }
        }
        found.findAll { matcher.matches(folder.toPath().relativize(it.toPath())) }
    }

    private Map<String, String> environment() {
        def given = build.params.collectEntries { [it.key, it.value.toString()] }
        given + [BUILD_TAG: 'jenkins-holdfast-1', WORKSPACE: folder.path] + build.scenario.environment + build.global + variables
    }

    private int execute(String script) {
        def builder = new ProcessBuilder(['sh', '-e', '-c', script]).directory(folder).redirectErrorStream(true)
        builder.environment().putAll(environment())
        def log = new File(build.scenario.log)
        log << "\n+ ${script}\n"
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log)).start().waitFor()
    }
}

class Variables {
    private final Map<String, String> global
    private final Map<String, String> all

    Variables(Map<String, String> global, Map<String, String> all) {
        this.global = global
        this.all = all
    }

    def getProperty(String name) { all[name] }

    void setProperty(String name, Object value) { global[name] = value?.toString() }
}
